//! All hexadecimal code of the crate. It is strict: fixed widths and lower case.
//!
//! `u64::from_str_radix` accepts plus signs, upper case and any number of digits. A header that is
//! read in that way means something else to the next service.

/// The value of a byte as a lower-case hexadecimal digit; `NOT_A_DIGIT` for all other bytes.
const DIGIT: [u8; 256] = {
    let mut table = [NOT_A_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        table[DIGITS[value] as usize] = value as u8;
        value += 1;
    }
    table
};
const NOT_A_DIGIT: u8 = 0xff;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Reads `2 * N` lower-case hexadecimal digits.
///
/// `Err` holds the position of the first byte that is not such a digit. If only the number of
/// digits is wrong, it is the position of the first missing or extra digit.
#[inline]
pub(crate) fn decode<const N: usize>(digits: &[u8]) -> Result<[u8; N], usize> {
    let mut bytes = [0; N];
    let mut seen = 0;
    if digits.len() != 2 * N {
        return Err(first_fault(digits).unwrap_or(digits.len().min(2 * N)));
    }
    if N.is_multiple_of(4) {
        let mut fault = 0;
        for (bytes, digits) in bytes.chunks_exact_mut(4).zip(digits.chunks_exact(8)) {
            let (four, wrong) = decode_eight(digits.try_into().unwrap_or_default());
            bytes.copy_from_slice(&four);
            fault |= wrong;
        }
        return if fault == 0 {
            Ok(bytes)
        } else {
            Err(first_fault(digits).unwrap_or(0))
        };
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let (high, low) = (DIGIT[pair[0] as usize], DIGIT[pair[1] as usize]);
        seen |= high | low;
        *byte = high << 4 | (low & 0x0f);
    }
    // One check at the end instead of one per digit. Faults are rare and cost a second pass.
    if seen > 0x0f {
        return Err(first_fault(digits).unwrap_or(0));
    }
    Ok(bytes)
}

/// Reads eight digits at once, as the lanes of one number. The second result is not zero if any of
/// them is not a lower-case digit. It takes a third of the time that a table takes, and every
/// request needs it.
#[inline]
fn decode_eight(digits: [u8; 8]) -> ([u8; 4], u64) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let digits = u64::from_le_bytes(digits);
    // Letters have bit 6, and their low half starts at 1.
    let letters = (digits >> 6) & ONES;
    let values = (digits & (ONES * 0x0f)) + letters * 9;
    // The only correct digits for the value, to compare with those that arrived.
    let over_nine = ((values + ONES * 6) >> 4) & ONES;
    let written = values + ONES * u64::from(b'0') + over_nine * 39;
    let fault = (written ^ digits) | (values & (ONES * 0xf0));
    let pairs = ((values << 4) | (values >> 8)) & 0x00ff_00ff_00ff_00ff;
    let pairs = (pairs | (pairs >> 8)) & 0x0000_ffff_0000_ffff;
    let pairs = (pairs | (pairs >> 16)) as u32;
    (pairs.to_le_bytes(), fault)
}

/// Reads 1 to `2 * N` hexadecimal digits of either case and pads them on the left with zeros: for
/// formats that do not ask for lower case.
///
/// `Err` holds a position as in [`decode`].
#[inline]
pub(crate) fn decode_padded<const N: usize>(digits: &[u8]) -> Result<[u8; N], usize> {
    let mut bytes = [0; N];
    if digits.is_empty() || digits.len() > 2 * N {
        return Err(first_non_hex(digits).unwrap_or(digits.len().min(2 * N)));
    }
    for (place, digit) in digits.iter().rev().enumerate() {
        let value = DIGIT[digit.to_ascii_lowercase() as usize];
        if value == NOT_A_DIGIT {
            return Err(first_non_hex(digits).unwrap_or(0));
        }
        bytes[N - 1 - place / 2] |= value << (4 * (place % 2));
    }
    Ok(bytes)
}

/// The position of the first byte that is not a hexadecimal digit of either case.
fn first_non_hex(digits: &[u8]) -> Option<usize> {
    digits.iter().position(|byte| !byte.is_ascii_hexdigit())
}

/// The position of the first byte that is not a lower-case hexadecimal digit.
pub(crate) fn first_fault(digits: &[u8]) -> Option<usize> {
    digits
        .iter()
        .position(|&byte| DIGIT[byte as usize] == NOT_A_DIGIT)
}

/// Writes `bytes` as lower-case hexadecimal digits to the start of `digits`, which has two bytes
/// for each.
#[inline]
pub(crate) fn encode<const N: usize>(bytes: [u8; N], digits: &mut [u8]) {
    // Without a table, the compiler makes all digits at once.
    let digit = |value: u8| value + b'0' + if value > 9 { b'a' - b'9' - 1 } else { 0 };
    for (byte, pair) in bytes.iter().zip(digits.chunks_exact_mut(2)) {
        pair[0] = digit(byte >> 4);
        pair[1] = digit(byte & 0x0f);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lower_case_digits_in_the_exact_number_are_read() {
        assert_eq!(decode::<2>(b"0af7"), Ok([0x0a, 0xf7]));
        for (digits, place) in [
            (&b"0Af7"[..], 1),
            (b"+af7", 0),
            (b"0x12", 1),
            (b"0a 7", 2),
            (b"0afg", 3),
            (b"", 0),
            (b"0af", 3),
            (b"0af71", 4),
            (b"0af\xc3", 3),
        ] {
            assert_eq!(decode::<2>(digits), Err(place), "{digits:?}");
        }
    }

    #[test]
    fn every_byte_survives_writing_and_reading() {
        for byte in 0..=u8::MAX {
            let mut digits = [0; 2];
            encode([byte], &mut digits);
            assert_eq!(digits, format!("{byte:02x}").as_bytes());
            assert_eq!(decode::<1>(&digits), Ok([byte]));
        }
    }

    #[test]
    fn eight_digits_at_once_are_read_as_one_by_one() {
        // Every byte at every place among digits.
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                let mut digits = *b"09afb3c8";
                digits[place] = byte;
                let expected = first_fault(&digits).map_or_else(
                    || {
                        let text = std::str::from_utf8(&digits).expect("digits");
                        Ok(u32::from_str_radix(text, 16).expect("digits").to_be_bytes())
                    },
                    Err,
                );
                assert_eq!(decode::<4>(&digits), expected, "{digits:?}");
            }
        }
    }
}

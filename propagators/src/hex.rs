//! The only hexadecimal code of the crate: fixed widths, lower case, nothing lenient.
//!
//! `u64::from_str_radix` takes plus signs, upper case and any number of digits, and a header read
//! that way means something else to the next service. Here a value has exactly its digits or is refused.

/// What a byte is worth as a lower-case hexadecimal digit; `NOT_A_DIGIT` for all others.
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
/// `Err` holds the place of the first byte that is not such a digit; where all are and only their number is
/// wrong, it is the place of the first digit that is missing or too many.
#[inline]
pub(crate) fn decode<const N: usize>(digits: &[u8]) -> Result<[u8; N], usize> {
    let mut bytes = [0; N];
    let mut seen = 0;
    if digits.len() != 2 * N {
        return Err(first_fault(digits).unwrap_or(digits.len().min(2 * N)));
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let (high, low) = (DIGIT[pair[0] as usize], DIGIT[pair[1] as usize]);
        seen |= high | low;
        *byte = high << 4 | (low & 0x0f);
    }
    // One look at the end instead of one per digit: faults are rare, and cost a second pass.
    if seen > 0x0f {
        return Err(first_fault(digits).unwrap_or(0));
    }
    Ok(bytes)
}

/// Reads 1 to `2 * N` hexadecimal digits of either case, padded on the left with zeros: for the formats whose
/// specification asks for no more than hexadecimal.
///
/// `Err` holds a place as with [`decode`].
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

/// The place of the first byte that is no hexadecimal digit of either case.
fn first_non_hex(digits: &[u8]) -> Option<usize> {
    digits.iter().position(|byte| !byte.is_ascii_hexdigit())
}

/// The place of the first byte that is not a lower-case hexadecimal digit.
pub(crate) fn first_fault(digits: &[u8]) -> Option<usize> {
    digits
        .iter()
        .position(|&byte| DIGIT[byte as usize] == NOT_A_DIGIT)
}

/// Writes `bytes` as lower-case hexadecimal digits to the start of `digits`, which must hold two for each.
pub(crate) fn encode(bytes: &[u8], digits: &mut [u8]) {
    for (byte, pair) in bytes.iter().zip(digits.chunks_exact_mut(2)) {
        pair[0] = DIGITS[(byte >> 4) as usize];
        pair[1] = DIGITS[(byte & 0x0f) as usize];
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
            encode(&[byte], &mut digits);
            assert_eq!(digits, format!("{byte:02x}").as_bytes());
            assert_eq!(decode::<1>(&digits), Ok([byte]));
        }
    }
}

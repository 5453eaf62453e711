//! Bytes as `tcpdump -X`, `xxd`, `hexdump -C`, `od` and Netty print them, and as databases print
//! values.

/// How many bytes a line may have.
const MAX_LINE: usize = 16;
/// How wide a byte is in `od -c`.
const CELL: usize = 4;
/// The fewest bytes that are read as a value. Fewer may be an id.
const MIN_VALUE: usize = 17;
/// The fewest digits of a value within a text. Hashes have up to 128, but their bytes are not text.
const MIN_DIGITS: usize = 80;

/// The bytes in a text that is mostly a dump, with dots for those that are not text; `None` for any
/// other text.
fn hex_dump(text: &str) -> Option<String> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let (mut bytes, mut dumped, mut all) = (Vec::new(), 0, 0);
    // where the packet begins
    let mut first = 0;
    for line in lines {
        all += 1;
        let characters = || characters_of(line);
        let Some((offset, mut line)) = bytes_of(line).or_else(characters) else {
            continue;
        };
        dumped += 1;
        // each packet starts again
        if offset == 0 && !bytes.is_empty() {
            bytes.extend_from_slice(b"\n\n");
            first = bytes.len();
        }
        // the spaces at the end of a line of `od -c` are easily lost
        let lost = first.saturating_add(offset).saturating_sub(bytes.len());
        if lost < MAX_LINE {
            bytes.resize(bytes.len() + lost, b' ');
        }
        bytes.append(&mut line);
    }
    if dumped < 2 || dumped * 2 < all {
        return None;
    }
    Some(shown(&bytes))
}

fn is_text(byte: &u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

/// The bytes as text, with dots for those that are not: they would hide the text lines.
fn shown(bytes: &[u8]) -> String {
    let shown = bytes.iter().map(|byte| match is_text(byte) {
        true => char::from(*byte),
        false => '.',
    });
    shown.collect()
}

/// The bytes that pairs of hexadecimal digits stand for; `None` if another character is among them.
/// A single digit at the end is left out.
fn decoded(digits: &[u8]) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let byte = |pair: &[u8]| u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok();
    digits.chunks_exact(2).map(byte).collect()
}

/// A dump, or one value in hexadecimal digits; `None` for any other text.
pub(crate) fn hex(text: &str) -> Option<String> {
    hex_dump(text).or_else(|| hex_value(text))
}

/// The text whose bytes are written as nothing but hexadecimal digits, perhaps after `0x` or `\\x`;
/// `None` if they are not text.
fn hex_value(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text.strip_prefix("0x").or(text.strip_prefix("\\x"));
    let digits: Vec<u8> = digits
        .unwrap_or(text)
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    if digits.len() < 2 * MIN_VALUE || !digits.len().is_multiple_of(2) {
        return None;
    }
    decoded(&digits)
        .filter(|bytes| bytes.iter().all(is_text))
        .map(|bytes| shown(&bytes))
}

/// The texts that are written in hexadecimal digits within `text`, as databases print values, each
/// with its position.
pub(crate) fn hex_texts(text: &str) -> Vec<(usize, String)> {
    let bytes = text.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let digits = bytes[at..].iter();
        let length = digits.take_while(|byte| byte.is_ascii_hexdigit()).count();
        if length >= MIN_DIGITS {
            found.extend(hex_bytes(&bytes[at..at + length]).map(|inner| (at, inner)));
        }
        at += length + 1;
    }
    found
}

/// The text of bytes in hexadecimal digits, with dots for those that are not text; `None` if few of
/// them are.
fn hex_bytes(digits: &[u8]) -> Option<String> {
    let bytes = decoded(digits)?;
    let texts = bytes.iter().filter(|byte| is_text(byte)).count();
    (texts * 4 >= bytes.len() * 3).then(|| shown(&bytes))
}

/// The offset and the bytes of a line such as `0x0010:  4745 5420 2f20 …  GET /.`.
fn bytes_of(line: &str) -> Option<(usize, Vec<u8>)> {
    // Netty draws a frame
    let line = line.trim_start().trim_start_matches('|');
    let (offset, rest) = line.split_once([':', ' ', '|'])?;
    let offset = offset.strip_prefix("0x").unwrap_or(offset);
    if offset.len() < 4 {
        return None;
    }
    let offset = usize::from_str_radix(offset, 16).ok()?;
    let mut bytes = Vec::new();
    for group in rest.split_whitespace() {
        let is_hex = group.len() % 2 == 0
            && group.len() <= 8
            && group.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || bytes.len() + group.len() / 2 > MAX_LINE {
            break;
        }
        bytes.extend(decoded(group.as_bytes()).unwrap_or_default());
    }
    (!bytes.is_empty()).then_some((offset, bytes))
}

/// The offset and the bytes of a line of `od -c`, such as `0000020   H   o   s   t   :  \r  \n`.
fn characters_of(line: &str) -> Option<(usize, Vec<u8>)> {
    let line = line.trim_start();
    let (offset, _) = line.split_once(' ')?;
    let cells: Vec<char> = line[offset.len()..].chars().collect();
    if offset.len() < 6 || cells.len() > CELL * MAX_LINE {
        return None;
    }
    // octal, or as `-A d` or `-A x` asks for; too low a number does no harm
    let mut radixes = [8, 10, 16].into_iter();
    let offset = radixes.find_map(|radix| usize::from_str_radix(offset, radix).ok())?;
    let bytes: Option<Vec<u8>> = cells.chunks(CELL).map(byte_in).collect();
    Some((offset, bytes?))
}

/// The byte in a cell of `od -c`: a character, an escape, or three octal digits.
fn byte_in(cell: &[char]) -> Option<u8> {
    let text: String = cell.iter().collect();
    if !text.starts_with(' ') {
        return None;
    }
    Some(match text.trim_start() {
        "" => b' ',
        "\\n" => b'\n',
        "\\r" => b'\r',
        "\\t" => b'\t',
        // other control characters, and the rest of a character that is shown whole
        "\\0" | "\\a" | "\\b" | "\\f" | "\\v" | "**" => 0,
        octal if octal.len() == CELL - 1 && octal.is_ascii() => {
            u8::from_str_radix(octal, 8).ok()?
        }
        one => {
            let mut letters = one.chars();
            let letter = letters.next().filter(|_| letters.next().is_none())?;
            u8::try_from(letter).unwrap_or(0)
        }
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn characters_are_read_with_offsets_of_any_base() {
        let value = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let request = format!(
            "GET / HTTP/1.1\nHost: a\nX-Padding: {:80}\ntraceparent: {value}\n",
            ""
        );
        type Offset = fn(usize) -> String;
        let bases: [Offset; 3] = [
            |offset| format!("{offset:07o}"),
            |offset| format!("{offset:07}"),
            |offset| format!("{offset:06x}"),
        ];
        for base in bases {
            let lines = request.as_bytes().chunks(16).enumerate();
            let dump: String = lines
                .map(|(place, line)| {
                    let cells = line.iter().map(|byte| match byte {
                        b'\n' => "  \\n".to_owned(),
                        byte => format!("   {}", char::from(*byte)),
                    });
                    format!("{}{}\n", base(place * 16), cells.collect::<String>())
                })
                .collect();
            let paste = crate::read(dump.as_bytes());
            let headers = paste.carriers.first().map(|carrier| &carrier.headers);
            let headers = headers.unwrap_or_else(|| panic!("{dump}"));
            assert_eq!(headers[0].value, value.as_bytes(), "{dump}");
        }
    }

    #[test]
    fn a_huge_offset_is_harmless() {
        let lines = "00000000: 4745 5420\n00000000: 4745 5420\nffffffffffffffff: 4745 5420\n";
        assert!(crate::read(lines.as_bytes()).carriers.is_empty());
    }

    #[test]
    fn a_header_is_found_across_the_lines_of_a_dump() {
        let request = "GET / HTTP/1.1\r\nHost: a\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n";
        let mut dump = "12:00:00.000000 IP a.1 > b.80: Flags [P.]\n".to_owned();
        for (place, line) in request.as_bytes().chunks(16).enumerate() {
            let hex: String = line
                .chunks(2)
                .map(|pair| {
                    pair.iter()
                        .map(|byte| format!("{byte:02x}"))
                        .collect::<String>()
                        + " "
                })
                .collect();
            let shown: String = line
                .iter()
                .map(|byte| {
                    if byte.is_ascii_graphic() {
                        char::from(*byte)
                    } else {
                        '.'
                    }
                })
                .collect();
            dump += &format!("\t0x{:04x}:  {hex} {shown}\n", place * 16);
        }
        let paste = crate::read(dump.as_bytes());
        let headers = &paste.carriers[0].headers;
        assert_eq!(
            headers[0].value,
            b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        );
    }
}

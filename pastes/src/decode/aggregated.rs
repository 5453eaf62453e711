//! Records that the Kinesis Producer Library put into one: a magic number, a message in protobuf,
//! and its MD5.
//! <https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md>

const MAGIC: &[u8] = &[0xf3, 0x89, 0x9a, 0xc2];
const DIGEST: usize = 16;
/// The field of `records` in the message, and of `data` in a record.
const RECORDS: u64 = 3;
const DATA: u64 = 3;

/// The data of each record in an aggregated one; `None` if it is not aggregated. After a fault, it
/// gives the records before it.
pub(crate) fn records(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let message = &rest[..rest.len().checked_sub(DIGEST)?];
    let records = fields(message).filter(|(number, _)| *number == RECORDS);
    let data = records.filter_map(|(_, record)| {
        let (_, data) = fields(record).find(|(number, _)| *number == DATA)?;
        Some(data)
    });
    Some(data.collect())
}

/// The fields of a message that have bytes: their numbers and contents.
fn fields(mut message: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        loop {
            let (key, rest) = varint(message)?;
            let (length, rest) = varint(rest)?;
            match key & 7 {
                0 => message = rest,
                2 => {
                    let length = usize::try_from(length).ok()?;
                    let (content, rest) = rest.split_at_checked(length)?;
                    message = rest;
                    return Some((key >> 3, content));
                }
                _ => return None,
            }
        }
    })
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (place, byte) in bytes.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[place + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_taken_apart_and_faults_end_them() {
        let one = [
            &[0x0a, 1, b'k'][..],
            &[0x1a, 6, 0x08, 0, 0x1a, 2, b'h', b'i'],
        ]
        .concat();
        let whole = [MAGIC, &one, &[0; DIGEST]].concat();
        assert_eq!(records(&whole), Some(vec![&b"hi"[..]]));
        for bytes in [&b""[..], b"hi", MAGIC, &whole[..12]] {
            assert_eq!(records(bytes), None, "{bytes:?}");
        }
        let broken = [MAGIC, &one, &[0x1a, 99, 1], &[0; DIGEST]].concat();
        assert_eq!(records(&broken), Some(vec![&b"hi"[..]]));
    }
}

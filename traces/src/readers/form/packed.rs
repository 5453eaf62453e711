//! Archives, compressed files and binary tables, which baton does not unpack.

/// A description of what the first bytes begin; `None` if they begin none of these.
pub(super) fn found(beginning: &[u8]) -> Option<String> {
    /// The first bytes of a file, what it is, and what to do.
    const FILES: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "a ZIP archive: unpack it first"),
        (b"\xfd7zXZ\0", "a file that xz packed: unpack it first"),
        (b"BZh", "a file that bzip2 packed: unpack it first"),
        (
            b"\x04\x22\x4d\x18",
            "a file that lz4 packed: unpack it first",
        ),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it first"),
        (
            b"\x1f\x8b",
            "a file that gzip packed twice: unpack it once first",
        ),
        (b"PAR1", "a table in Parquet: export its rows as JSON"),
        (
            b"SQLite format 3\0",
            "a database of SQLite: export its rows as JSON",
        ),
    ];
    let file = FILES.iter().find(|(start, _)| beginning.starts_with(start));
    file.map(|(_, what)| (*what).to_owned())
}

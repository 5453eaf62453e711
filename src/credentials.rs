//! Addresses may hold a user and a password, which belong into no message.

/// What an address begins with. Of one that cannot be read the rest may be anything.
const BEGINNINGS: [&str; 3] = ["://", "https:", "http:"];

/// `text` with the user and password of every address in it left out.
pub(crate) fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = beginning(rest) {
        let (before, address) = rest.split_at(start);
        let end = end(before, address);
        shown.push_str(before);
        shown.push_str(who_is_asked(&address[..end]));
        rest = &address[end..];
    }
    shown + rest
}

/// Where the first address has said how it is reached.
fn beginning(text: &str) -> Option<usize> {
    let ends = BEGINNINGS.iter().filter_map(|beginning| {
        let end = text.find(beginning)? + beginning.len();
        let slashes = text[end..].bytes().take_while(|byte| *byte == b'/').count();
        Some(end + slashes)
    });
    ends.min()
}

/// Where an address ends: with its word, or where it is quoted with the quote.
fn end(before: &str, address: &str) -> usize {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or(before);
    let quoted = word
        .starts_with('\'')
        .then(|| address.rfind('\''))
        .flatten();
    let end = quoted.or_else(|| address.find(char::is_whitespace));
    end.unwrap_or(address.len())
}

/// The address without user and password. These may hold any character if they are not encoded, so where there seem to be
/// some, all before the last `@` goes.
fn who_is_asked(address: &str) -> &str {
    let authority = address.split(['/', '?', '#']).next().unwrap_or(address);
    let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
    let is_host = !host.contains(['@', ':']) || host.starts_with('[') && host.ends_with(']');
    if is_host && port.bytes().all(|byte| byte.is_ascii_digit()) {
        return address;
    }
    address.rsplit('@').next().unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn nothing_is_left_of_who_asks() {
        for (text, shown) in [
            ("no address at all, but an @", "no address at all, but an @"),
            ("me@home: see http://host/", "me@home: see http://host/"),
            (
                "http://127.0.0.1:1/@scope/x or a@b",
                "http://127.0.0.1:1/@scope/x or a@b",
            ),
            ("http://[::1]:80/@x", "http://[::1]:80/@x"),
            (
                "'jaeger+http://kate:hush@host:9?x=1' for",
                "'jaeger+http://host:9?x=1' for",
            ),
            (
                "http://kate:hu@sh@host/a and https://b/",
                "http://host/a and https://b/",
            ),
            ("'http://kate:hu/s#h?@host' is\n", "'http://host' is\n"),
            (
                "value 'http://kate:hu sh@host' for X",
                "value 'http://host' for X",
            ),
            ("'jaeger://kate:hu' sh@h:99999/' x", "'jaeger://h:99999/' x"),
            ("zipkin+http:kate:hush@host", "zipkin+http:host"),
            ("http://token@host", "http://host"),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
    }
}

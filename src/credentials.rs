//! Removes users, passwords and parameters from the addresses in messages.

/// How an address starts. If it cannot be parsed, the text after this may contain credentials.
const BEGINNINGS: [&str; 3] = ["://", "https:", "http:"];

/// `text` without the users and passwords of its addresses, and without their parameters, which may
/// hold a key.
pub(crate) fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = beginning(rest) {
        let (before, address) = rest.split_at(start);
        let end = end(before, address);
        shown.push_str(before);
        let address_alone = without_user(&address[..end]);
        match address_alone.split_once('?') {
            Some((place, _)) => {
                shown.push_str(place);
                shown.push_str("?…");
            }
            None => shown.push_str(address_alone),
        }
        rest = &address[end..];
    }
    shown + rest
}

/// The position after the scheme of the first address.
fn beginning(text: &str) -> Option<usize> {
    let ends = BEGINNINGS.iter().filter_map(|beginning| {
        let end = text.find(beginning)? + beginning.len();
        let slashes = text[end..].bytes().take_while(|byte| *byte == b'/').count();
        Some(end + slashes)
    });
    ends.min()
}

/// The end of an address: the end of its word, or its closing quote.
fn end(before: &str, address: &str) -> usize {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or(before);
    let quoted = word
        .starts_with('\'')
        .then(|| address.rfind('\''))
        .flatten();
    let end = quoted.or_else(|| address.find(char::is_whitespace));
    end.unwrap_or(address.len())
}

/// The address without user and password. Unencoded credentials may contain any character. So if
/// the address seems to have some, everything before the last `@` is removed.
fn without_user(address: &str) -> &str {
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
    fn no_user_or_password_is_left() {
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
                "'jaeger+http://host:9?…' for",
            ),
            (
                "zipkin+http://h?apikey=SECRET is not",
                "zipkin+http://h?… is not",
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

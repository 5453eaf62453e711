//! Addresses may hold a user and a password, which belong into no message.

/// What an address begins with. Of one that cannot be read the rest may be anything.
const BEGINNINGS: [&str; 3] = ["://", "http:", "https:"];

/// `text` with the user and password of every address in it left out.
pub(crate) fn without_credentials(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace);
    words.map(word_without_credentials).collect()
}

/// A password that is not encoded may hold any character, so all before the last `@` goes.
fn word_without_credentials(word: &str) -> String {
    let beginnings = BEGINNINGS.iter().filter_map(|beginning| {
        let place = word.find(beginning)?;
        Some(place + beginning.len())
    });
    let (Some(start), Some(at)) = (beginnings.min(), word.rfind('@')) else {
        return word.to_owned();
    };
    if at < start {
        return word.to_owned();
    }
    let slashes = word[start..].len() - word[start..].trim_start_matches('/').len();
    format!("{}{}", &word[..(start + slashes).min(at)], &word[at + 1..])
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
                "'jaeger+http://kate:hush@host:9?x=1' for",
                "'jaeger+http://host:9?x=1' for",
            ),
            (
                "http://kate:hu@sh@host/a and https://b/",
                "http://host/a and https://b/",
            ),
            ("'http://kate:hu/s#h?@host' is\n", "'http://host' is\n"),
            ("zipkin+http:kate:hush@host", "zipkin+http:host"),
            ("http://token@host", "http://host"),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
    }
}

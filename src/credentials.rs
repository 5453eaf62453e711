//! Addresses may hold a user and a password, which belong into no message.

/// `text` with the user and password of every address in it left out.
pub(crate) fn without_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find("://") {
        let (before, address) = rest.split_at(place + 3);
        let end = address
            .find(|character: char| "/?#'\"`".contains(character) || character.is_whitespace());
        let (authority, after) = address.split_at(end.unwrap_or(address.len()));
        let host = authority.rsplit('@').next().unwrap_or(authority);
        shown.push_str(before);
        shown.push_str(host);
        rest = after;
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn only_the_host_is_left_of_an_address() {
        for (text, shown) in [
            ("no address at all, but an @", "no address at all, but an @"),
            (
                "'jaeger+http://kate:hush@host:9?x=1' for",
                "'jaeger+http://host:9?x=1' for",
            ),
            (
                "http://kate:hu@sh@host/a@b and https://b/",
                "http://host/a@b and https://b/",
            ),
            ("http://token@host", "http://host"),
        ] {
            assert_eq!(without_credentials(text), shown);
        }
    }
}

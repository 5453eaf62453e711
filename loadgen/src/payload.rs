//! What the requests say: the body of the workshop's form, a name and a superpower.

use fastrand::Rng;

/// The bodies a client sends, JSON objects with `name` and `superpower`.
const BODIES: [&str; 12] = [
    r#"{"name":"Ada","superpower":"foresight"}"#,
    r#"{"name":"Alan","superpower":"deciphering"}"#,
    r#"{"name":"Barbara","superpower":"substitution"}"#,
    r#"{"name":"Dennis","superpower":"portability"}"#,
    r#"{"name":"Edsger","superpower":"shortest paths"}"#,
    r#"{"name":"Grace","superpower":"compilation"}"#,
    r#"{"name":"Hedy","superpower":"frequency hopping"}"#,
    r#"{"name":"Katherine","superpower":"orbital mechanics"}"#,
    r#"{"name":"Leslie","superpower":"ordering events"}"#,
    r#"{"name":"Margaret","superpower":"fault tolerance"}"#,
    r#"{"name":"Radia","superpower":"spanning trees"}"#,
    r#"{"name":"Søren","superpower":"unicode"}"#,
];

/// One of the bodies, as `rng` decides.
pub(crate) fn body(rng: &mut Rng) -> &'static str {
    BODIES[rng.usize(..BODIES.len())]
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;

    #[test]
    fn every_body_is_a_name_and_a_superpower() {
        for body in BODIES {
            let fields: BTreeMap<String, String> = serde_json::from_str(body).unwrap();
            assert_eq!(
                fields.keys().collect::<Vec<_>>(),
                ["name", "superpower"],
                "{body}"
            );
            assert!(fields.values().all(|value| !value.is_empty()), "{body}");
        }
    }

    #[test]
    fn bodies_vary() {
        let mut rng = Rng::with_seed(1);
        let drawn: HashSet<&str> = (0..500).map(|_| body(&mut rng)).collect();
        assert_eq!(drawn.len(), BODIES.len());
    }
}

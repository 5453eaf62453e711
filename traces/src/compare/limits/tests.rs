use super::*;

const METRICS: &[Figure] = &[
    Figure {
        name: "ok",
        unit: Unit::Share,
    },
    Figure {
        name: "p99",
        unit: Unit::Milliseconds,
    },
    Figure {
        name: "rps",
        unit: Unit::Number,
    },
];

#[test]
fn limits_have_units() {
    for (text, name, value) in [
        ("ok=50%", "ok", 0.5),
        ("ok=0.999", "ok", 0.999),
        ("p99=50ms", "p99", 50.0),
        ("p99=1.5s", "p99", 1500.0),
        ("p99=0", "p99", 0.0),
        ("rps=1000", "rps", 1000.0),
    ] {
        let limit = fail_over(text).expect(text);
        assert_eq!((&*limit.name, limit.value), (name, value), "{text}");
        assert_eq!(check_names([&limit], METRICS), Ok(()), "{text}");
    }
    for wrong in [
        "", "ok", "=5", "ok=", "ok=%", "ok=-1", "ok=inf", "ok=NaN", "p99=5 ms", "p99=ms",
    ] {
        assert!(fail_under(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn an_unknown_figure_and_a_wrong_unit_are_refused() {
    for (text, sentence) in [
        (
            "p98=5ms",
            "--fail-over p98=5ms: there is no figure \"p98\"; the figures are ok, p99, rps",
        ),
        (
            "ok=5ms",
            "--fail-over ok=5ms: ok is a share; write it like 99.9% or 0.999",
        ),
        (
            "ok=99",
            "--fail-over ok=99: ok is a share; write it like 99.9% or 0.999",
        ),
        (
            "p99=5%",
            "--fail-over p99=5%: p99 is a time; write it like 50ms or 1.5s",
        ),
        (
            "p99=1",
            "--fail-over p99=1: p99 is a time; write it like 50ms or 1.5s",
        ),
        (
            "rps=5s",
            "--fail-over rps=5s: rps is a number; write it like 1000",
        ),
    ] {
        let limit = fail_over(text).expect(text);
        let refusal = check_names([&limit], METRICS);
        assert_eq!(refusal.as_ref().map_err(String::as_str), Err(sentence));
    }
}

#[test]
fn a_figure_is_on_one_side_of_its_limit_or_fails() {
    type Read = fn(&str) -> Result<Limit, String>;
    let cases: [(Read, &str, Option<f64>, bool, &str); 7] = [
        (
            fail_under,
            "ok=99.9%",
            Some(0.999),
            true,
            "ok is 99.9%, at or above the limit of 99.9%",
        ),
        (
            fail_under,
            "ok=99.9%",
            Some(0.9985),
            false,
            "ok is 99.85%, under the limit of 99.9%",
        ),
        (
            fail_under,
            "ok=100%",
            Some(0.999_999),
            false,
            "ok is 99.9999%, under the limit of 100%",
        ),
        (
            fail_over,
            "p99=50ms",
            Some(50.0),
            true,
            "p99 is 50ms, at or below the limit of 50ms",
        ),
        (
            fail_over,
            "p99=1.5s",
            Some(1612.0),
            false,
            "p99 is 1.612s, over the limit of 1.5s",
        ),
        (
            fail_under,
            "rps=1000",
            Some(12.0),
            false,
            "rps is 12, under the limit of 1000",
        ),
        (
            fail_over,
            "p99=50ms",
            None,
            false,
            "p99 is not known, so the check of its limit 50ms fails",
        ),
    ];
    for (read, text, value, passed, sentence) in cases {
        let check = read(text).expect(text).evaluate(|_| value);
        assert_eq!((check.passed, &*check.to_string()), (passed, sentence));
    }
}

#[test]
fn a_check_is_an_element_of_checks() {
    let check = fail_under("ok=50%")
        .expect("a limit")
        .evaluate(|_| Some(1.0));
    assert_eq!(
        serde_json::to_value(&check).expect("JSON"),
        serde_json::json!({"name": "ok", "limit": "50%", "value": 1.0, "passed": true})
    );
    let named = serde_json::to_value(check.of("burst 2")).expect("JSON");
    assert_eq!(named["of"], "burst 2");
}

//! Tests of valid plans, and of the messages about invalid ones.

use baton_propagators::Mode;

use super::*;

const ENDPOINT: &str = "http://127.0.0.1:3000/dev/producer";

fn settings() -> Settings {
    Settings::new(ENDPOINT, "tracecontext".parse::<Mode>().unwrap())
}

fn faults(change: impl FnOnce(&mut Settings)) -> String {
    let mut settings = settings();
    change(&mut settings);
    Plan::new(settings).unwrap_err().to_string()
}

#[test]
fn faults_say_what_is_wrong_and_what_would_be_right() {
    type Change = fn(&mut Settings);
    let cases: &[(Change, &str)] = &[
        (
            |s| s.endpoint = "127.0.0.1:3000/dev/producer".into(),
            "endpoint `127.0.0.1:3000/dev/producer` is not a URL (relative URL without a base); write it in full, like http://127.0.0.1:3000/dev/producer",
        ),
        (
            |s| s.endpoint = String::new(),
            "endpoint `` is not a URL (relative URL without a base); write it in full, like http://127.0.0.1:3000/dev/producer",
        ),
        (
            |s| s.endpoint = "localhost:3000/dev/producer".into(),
            "endpoint `localhost:3000/dev/producer` begins with `localhost:`; it has to begin with http:// or https://",
        ),
        (
            |s| s.endpoint = "me:secret@127.0.0.1/".into(),
            "endpoint `…@127.0.0.1/` begins with `me:`; it has to begin with http:// or https://",
        ),
        (
            |s| s.endpoint = "http://me:secret@127.0.0.1/".into(),
            "the endpoint holds a user name or a password; every span would repeat it, so leave it out",
        ),
        (|s| s.users = 0, "0 users are out of range; use 1 to 1000"),
        (
            |s| s.users = 1001,
            "1001 users are out of range; use 1 to 1000",
        ),
        (
            |s| s.stop = Stop::Requests(0),
            "an attack of 0 requests measures nothing; send 1 or more",
        ),
        (
            |s| s.stop = Stop::Duration(Duration::ZERO),
            "a duration of 0ns is out of range; use more than 0s, and at most 86400s",
        ),
        (
            |s| s.stop = Stop::Duration(Duration::from_secs(86_401)),
            "a duration of 86401s is out of range; use more than 0s, and at most 86400s",
        ),
        (
            |s| s.rate = Some(0.0),
            "a rate of 0 requests per second is out of range; use 0.001 to 1000000",
        ),
        (
            |s| s.rate = Some(f64::NAN),
            "a rate of NaN requests per second is out of range; use 0.001 to 1000000",
        ),
        (
            |s| s.rate = Some(f64::INFINITY),
            "a rate of inf requests per second is out of range; use 0.001 to 1000000",
        ),
        (
            |s| s.timeout = Duration::ZERO,
            "a request timeout of 0ns is out of range; use 1ms to 3600s",
        ),
        (
            |s| {
                s.stop = Stop::Duration(Duration::from_secs(5));
                s.ramp = Duration::from_secs(5);
            },
            "a ramp of 5s is too long; use less than the 5s of the attack",
        ),
        (
            |s| s.payload.size = Some(2 << 20),
            "a payload of 2097152 bytes is too large; Kinesis takes at most 1048576",
        ),
        (
            |s| s.payload.size = Some(2),
            "a payload of 2 bytes is too small for what it holds; use 66 or more",
        ),
        (
            |s| {
                s.payload.template = Some("text".into());
                s.payload.size = Some(100);
            },
            "the payload has no place for padding, because it is not a JSON object; write {{padding}} where the padding belongs",
        ),
        (
            |s| s.goose_report = Some("report.pdf".into()),
            "goose's report cannot be written to \"report.pdf\"; name a file that ends in .html",
        ),
        (
            |s| s.scenarios.clear(),
            "there is no scenario, so nothing says what the client sends; add one",
        ),
        (
            |s| s.spans = Some(PathBuf::new()),
            "the name of the span file is empty; name a file, or leave it out to write no spans",
        ),
    ];
    for (change, sentence) in cases {
        assert_eq!(faults(change), *sentence);
    }
}

#[test]
fn all_faults_are_reported_at_once() {
    let text = faults(|s| {
        s.users = 0;
        s.endpoint = "ftp://127.0.0.1/".into();
    });
    assert_eq!(
        text,
        "endpoint `ftp://127.0.0.1/` begins with `ftp:`; it has to begin with http:// or https://\n0 users are out of range; use 1 to 1000"
    );
}

#[test]
fn the_limits_themselves_are_allowed() {
    for (users, rate, timeout) in [
        (1, MIN_RATE, MIN_TIMEOUT),
        (MAX_USERS, MAX_RATE, MAX_TIMEOUT),
    ] {
        let plan = Plan::new(Settings {
            users,
            rate: Some(rate),
            timeout,
            stop: Stop::Duration(MAX_DURATION),
            ..settings()
        });
        assert_eq!(plan.map(|plan| plan.users()), Ok(users));
    }
}

#[test]
fn there_are_never_more_users_than_requests() {
    let plan = Plan::new(Settings {
        users: 8,
        stop: Stop::Requests(3),
        ..settings()
    });
    assert_eq!(plan.map(|plan| plan.users()), Ok(3));
}

#[test]
fn a_fragment_is_not_part_of_the_endpoint() {
    let plan = Plan::new(Settings::new(
        format!("{ENDPOINT}?a=b#c"),
        settings().scenarios.remove(0),
    ))
    .unwrap();
    assert_eq!(plan.url().as_str(), format!("{ENDPOINT}?a=b"));
    assert_eq!(
        plan.endpoint(),
        format!("{ENDPOINT}?REDACTED"),
        "as it is shown"
    );
}

#[test]
fn a_plan_survives_json() {
    let plan = Plan::new(Settings {
        rate: Some(12.5),
        seed: Some(u64::MAX),
        stop: Stop::Duration(Duration::from_millis(1_500)),
        spans: Some("client.jsonl".into()),
        ..settings()
    })
    .unwrap();
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);
}

#[test]
fn a_plan_read_from_json_is_checked() {
    let mut json = serde_json::to_value(settings()).unwrap();
    json["users"] = 0.into();
    let error = serde_json::from_value::<Plan>(json).unwrap_err();
    assert_eq!(error.to_string(), "0 users are out of range; use 1 to 1000");
}

#[test]
fn loopback_is_known_by_name_and_address() {
    for (url, expected) in [
        ("http://localhost:3000/", true),
        ("http://127.0.0.1:3000/", true),
        ("http://127.8.9.1/", true),
        ("http://[::1]:3000/", true),
        ("http://localhost.example.com/", false),
        (
            "https://abc.execute-api.eu-west-1.amazonaws.com/dev/producer",
            false,
        ),
    ] {
        assert_eq!(is_loopback(&url.parse().unwrap()), expected, "{url}");
    }
}

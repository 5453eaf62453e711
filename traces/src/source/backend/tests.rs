use super::*;

fn limited<'a>(answer: &'a [u8], bytes: &Arc<AtomicU64>, deadline: Instant) -> Limited<&'a [u8]> {
    Limited {
        answer,
        deadline,
        bytes: Arc::clone(bytes),
    }
}

#[test]
fn all_answers_together_have_a_limit() {
    let bytes = Arc::new(AtomicU64::new(MAX_BYTES - 3));
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut read = String::new();
    let first = limited(b"abc", &bytes, deadline).read_to_string(&mut read);
    assert_eq!(first.expect("within the limit"), 3);
    let second = limited(b"de", &bytes, deadline).read_to_string(&mut read);
    let said = second.expect_err("beyond it").to_string();
    assert!(said.contains("more than 1073741824 bytes"), "{said}");
}

#[test]
fn no_answer_is_read_after_the_deadline() {
    let past = Instant::now().checked_sub(Duration::from_millis(1));
    let past = past.expect("the machine runs longer than that");
    let mut read = Vec::new();
    let late = limited(b"abc", &Arc::default(), past).read_to_end(&mut read);
    let said = late.expect_err("too late").to_string();
    assert!(said.contains("more than 600 seconds"), "{said}");
}

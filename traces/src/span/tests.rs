use super::*;
#[test]
fn every_key_is_found_by_its_name_and_has_its_own_place() {
    for (place, key) in Key::ALL.into_iter().enumerate() {
        assert_eq!(Key::from_name(key.name()), Some(key));
        assert_eq!(key as usize, place);
    }
    assert_eq!(Key::from_name("url.full"), None);
}

#[test]
fn a_value_is_read_whatever_type_the_exporter_gave_it() {
    let mut attributes = Attributes::default();
    attributes.set(Key::StatusCode, Value::Text("200".into()));
    attributes.set(Key::ContextDebug, Value::Text("true".into()));
    attributes.set(Key::RequestId, Value::Text("".into()));
    attributes.set(Key::MessageId, Value::Integer(7));
    assert_eq!(attributes.integer(Key::StatusCode), Some(200));
    assert_eq!(attributes.boolean(Key::ContextDebug), Some(true));
    assert_eq!(attributes.text(Key::RequestId), None);
    assert_eq!(attributes.text(Key::MessageId), None);
    assert_eq!(attributes.integer(Key::CarrierBytes), None);
}

#[test]
fn a_time_before_another_is_no_duration() {
    let at = |nanoseconds| UnixTime::from_nanoseconds(nanoseconds).expect("not 0");
    assert_eq!(at(7).since(at(5)), Some(Duration::from_nanos(2)));
    assert_eq!(at(5).since(at(7)), None);
    assert_eq!(UnixTime::from_nanoseconds(0), None);
}

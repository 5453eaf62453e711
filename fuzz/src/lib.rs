//! What every format's target does with its bytes.

use baton_propagators::{HeaderList, Outgoing, Usual, format};

/// Reads `bytes` as the headers of a format, a line for each of its fields (`~` where it is absent) and the lines beyond
/// for the fields again, and checks what holds for all headers: refusals lie within the value, the usual way agrees with
/// the thorough one, and what was read goes out as something that is read again.
///
/// # Panics
///
/// When any of that does not hold.
pub fn headers(name: &str, bytes: &[u8]) {
    let format = format::find(name).expect("a format");
    let text = String::from_utf8_lossy(bytes);
    let fields: Vec<String> = format
        .fields()
        .iter()
        .map(|field| (*field).to_owned())
        .chain(format.prefixes().iter().map(|prefix| format!("{prefix}key")))
        .collect();
    let headers: HeaderList = text
        .split('\n')
        .zip(fields.iter().cycle())
        .filter(|(value, _)| *value != "~")
        .map(|(value, field)| (field.as_str(), value))
        .collect();

    let found = format.extract(&headers);
    for reject in found.reject().into_iter().chain(found.objection.as_deref()) {
        let values: Vec<_> =
            headers.iter().filter(|(name, _)| *name == reject.header).map(|(_, value)| value).collect();
        assert!(reject.position.is_none_or(|at| at <= values.join(",").len()), "{reject}");
    }
    match format.usual(&headers) {
        Usual::Other => {}
        Usual::Absent => assert_eq!(found.context(), None),
        Usual::Context(context) => assert_eq!(found.context(), Some(&context)),
    }
    let outgoing = Outgoing {
        context: found.context().cloned(),
        baggage: None,
    };
    let mut written = HeaderList::new();
    format.inject(&outgoing, &mut written);
    let again = format.extract(&written);
    assert!(again.reject().is_none(), "{written:?}");
    if let (Some(sent), Some(read)) = (found.context(), again.context()) {
        assert_eq!(sent.span_id, read.span_id);
        assert_eq!(sent.trace_id.low_64(), read.trace_id.low_64());
    }
}

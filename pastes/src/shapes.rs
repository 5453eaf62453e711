//! Values that are recognised by their shape, under any name.

/// The shape of a value: the header whose values look like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `00-<32>-<16>-<2>`.
    Traceparent,
    /// `<32 or 16>-<16>`, optionally with a sampling state and a parent.
    B3,
    /// `1-<8>-<24>`, optionally after `Root=` and before further fields.
    XRay,
    /// `<id>:<id>:<id>:<flags>`.
    Jaeger,
}

impl Shape {
    /// The header.
    pub(crate) const fn header(self) -> &'static str {
        match self {
            Shape::Traceparent => "traceparent",
            Shape::B3 => "b3",
            Shape::XRay => "x-amzn-trace-id",
            Shape::Jaeger => "uber-trace-id",
        }
    }

    /// Whether a value is a context, and not just an id.
    pub(crate) fn is_context(value: &str) -> bool {
        Self::of(value).is_some_and(|shape| shape != Shape::XRay || value.contains('='))
    }

    /// The shape of a value; `None` if it has none of these.
    pub(crate) fn of(value: &str) -> Option<Self> {
        let value = value.trim();
        if is_xray(value) {
            return Some(Shape::XRay);
        }
        let lengths = |separator| {
            value
                .split(separator)
                .map(hex_digits)
                .collect::<Option<Vec<_>>>()
        };
        match lengths('-').as_deref() {
            Some([2, 32, 16, 2]) => return Some(Shape::Traceparent),
            Some([16 | 32, 16] | [16 | 32, 16, 16]) => return Some(Shape::B3),
            _ => {}
        }
        if is_b3(value) {
            return Some(Shape::B3);
        }
        match lengths(':').as_deref() {
            Some([16..=32, 1..=16, 1..=16, 1..=2]) => Some(Shape::Jaeger),
            _ => None,
        }
    }
}

/// The number of hexadecimal digits in a field; `None` if it has other characters.
fn hex_digits(field: &str) -> Option<usize> {
    let is_hex = !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then_some(field.len())
}

/// Whether the value is ids of B3 with a sampling state.
fn is_b3(value: &str) -> bool {
    let mut fields = value.split('-');
    let ids = [fields.next(), fields.next()].map(|field| field.and_then(hex_digits));
    let state = matches!(fields.next(), Some("0" | "1" | "d"));
    let parent = fields
        .next()
        .is_none_or(|parent| hex_digits(parent) == Some(16));
    matches!(ids, [Some(16 | 32), Some(16)]) && state && parent && fields.next().is_none()
}

/// Whether the value begins with an X-Ray trace id.
fn is_xray(value: &str) -> bool {
    let fields = || value.split(';').map(str::trim);
    let is_root = |field: &str| {
        let id = field.strip_prefix("Root=").unwrap_or(field);
        let mut parts = id.split('-');
        let lengths =
            [parts.next(), parts.next(), parts.next()].map(|part| part.and_then(hex_digits));
        lengths == [Some(1), Some(8), Some(24)] && parts.next().is_none()
    };
    let alone =
        |field: &str| is_root(field) && (field.starts_with("Root=") || fields().count() == 1);
    fields().any(alone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_recognised_by_their_shape() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let span = "b7ad6b7169203331";
        for (value, shape) in [
            (format!("00-{trace}-{span}-01"), Some(Shape::Traceparent)),
            (
                format!("00-{}-{span}-01", trace.to_uppercase()),
                Some(Shape::Traceparent),
            ),
            (format!("{trace}-{span}-1"), Some(Shape::B3)),
            (format!("{span}-{span}-d-{span}"), Some(Shape::B3)),
            (format!("{trace}-{span}"), Some(Shape::B3)),
            (
                "1-61dc455f-6ea9978529a7aed4065a86cf".to_owned(),
                Some(Shape::XRay),
            ),
            (
                "Root=1-61dc455f-6ea9978529a7aed4065a86cf;Parent=a;Sampled=1".to_owned(),
                Some(Shape::XRay),
            ),
            (
                "Self=1-a-b;Root=1-61dc455f-6ea9978529a7aed4065a86cf".to_owned(),
                Some(Shape::XRay),
            ),
            (format!("{trace}:{span}:0:1"), Some(Shape::Jaeger)),
            (trace.to_owned(), None),
            ("6f1c2a3b-661e-97f1-80c5-e0bd81d2a57f".to_owned(), None),
            ("2024-05-24".to_owned(), None),
            ("00:11:22:33:44:55".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(Shape::of(&value), shape, "{value}");
        }
    }
}

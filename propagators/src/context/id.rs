//! Trace and span ids. They are never zero, and their text is lower-case hexadecimal.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::hex;

/// Declares one type of id. The types differ only in width and name.
macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $digits:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The number of its hexadecimal digits.
            pub const DIGITS: usize = $digits;

            /// The id of these bytes, most significant first; `None` if all are zero.
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Option<Self> {
                let mut place = 0;
                while place < $bytes {
                    if bytes[place] != 0 {
                        return Some($name(bytes));
                    }
                    place += 1;
                }
                None
            }

            #[doc = concat!("Reads exactly ", stringify!($digits), " lower-case hexadecimal digits; `None` for anything else and for all zeros.")]
            pub fn from_hex(digits: &str) -> Option<Self> {
                hex::decode(digits.as_bytes()).ok().and_then(Self::from_bytes)
            }

            /// The bytes, most significant first.
            pub const fn to_bytes(self) -> [u8; $bytes] {
                self.0
            }

            /// The digits as ASCII bytes, without an allocation.
            pub(crate) fn digits(self) -> [u8; $digits] {
                let mut digits = [0; $digits];
                hex::encode(self.0, &mut digits);
                digits
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(std::str::from_utf8(&self.digits()).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let digits = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Self::from_hex(&digits).ok_or_else(|| {
                    de::Error::invalid_value(
                        de::Unexpected::Str(&digits),
                        &concat!(stringify!($digits), " lower-case hexadecimal digits, not all zero"),
                    )
                })
            }
        }
    };
}

identifier! {
    /// The id of a trace: 16 bytes, not all zero. As text it is 32 lower-case hexadecimal digits.
    TraceId, 16, 32
}

identifier! {
    /// The id of a span: 8 bytes, not all zero. As text it is 16 lower-case hexadecimal digits.
    SpanId, 8, 16
}

impl TraceId {
    /// A 64-bit id, padded on the left with zeros; `None` if all bytes are zero.
    pub fn from_low_64(low: [u8; 8]) -> Option<Self> {
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&low);
        Self::from_bytes(bytes)
    }

    /// The low 64 bits, which is what a system with 64-bit ids keeps.
    pub fn low_64(self) -> [u8; 8] {
        let [.., a, b, c, d, e, f, g, h] = self.0;
        [a, b, c, d, e, f, g, h]
    }

    /// Whether its high 64 bits are zero, as in an id from a system with 64-bit ids.
    pub fn is_64_bit(self) -> bool {
        self.0[..8] == [0; 8]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_strict_about_their_digits() {
        let digits = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(
            TraceId::from_hex(digits)
                .map(|id| id.to_string())
                .as_deref(),
            Some(digits)
        );
        for refused in [
            "",
            "0af7651916cd43dd8448eb211c80319",
            "0af7651916cd43dd8448eb211c80319c0",
            "0AF7651916CD43DD8448EB211C80319C",
            "00000000000000000000000000000000",
            "+af7651916cd43dd8448eb211c80319c",
        ] {
            assert_eq!(TraceId::from_hex(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_64_bit_trace_id_is_padded_on_the_left() {
        let id = TraceId::from_low_64([0x48, 0x48, 0x5a, 0x39, 0x53, 0xbb, 0x61, 0x24])
            .expect("not zero");
        assert_eq!(id.to_string(), "000000000000000048485a3953bb6124");
        assert!(id.is_64_bit());
        assert_eq!(TraceId::from_low_64(id.low_64()), Some(id));
    }

    #[test]
    fn json_holds_the_digits_and_refuses_others() {
        let id: SpanId = serde_json::from_str("\"b7ad6b7169203331\"").expect("a span id");
        assert_eq!(
            serde_json::to_string(&id).expect("a string"),
            "\"b7ad6b7169203331\""
        );
        let refusal = serde_json::from_str::<SpanId>("\"B7\"").expect_err("upper case, short");
        assert!(
            refusal
                .to_string()
                .contains("16 lower-case hexadecimal digits"),
            "{refusal}"
        );
    }
}

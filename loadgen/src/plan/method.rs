//! The methods of requests.

use std::str::FromStr;

use goose::goose::GooseMethod;
use serde::{Deserialize, Serialize};

/// The method of an attack's requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// `GET`, without a body.
    Get,
    /// `HEAD`, without a body.
    Head,
    /// `POST`.
    #[default]
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`, without a body.
    Delete,
}

impl Method {
    const ALL: [Method; 6] = [
        Method::Get,
        Method::Head,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
    ];

    /// Its name in HTTP.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }

    /// Whether its requests have a body.
    pub fn has_body(self) -> bool {
        matches!(self, Method::Post | Method::Put | Method::Patch)
    }

    /// The method for reqwest.
    pub(crate) fn http(self) -> http::Method {
        match self {
            Method::Get => http::Method::GET,
            Method::Head => http::Method::HEAD,
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
            Method::Patch => http::Method::PATCH,
            Method::Delete => http::Method::DELETE,
        }
    }

    /// The method for goose's accounts.
    pub(crate) fn goose(self) -> GooseMethod {
        match self {
            Method::Get => GooseMethod::Get,
            Method::Head => GooseMethod::Head,
            Method::Post => GooseMethod::Post,
            Method::Put => GooseMethod::Put,
            Method::Patch => GooseMethod::Patch,
            Method::Delete => GooseMethod::Delete,
        }
    }
}

impl FromStr for Method {
    type Err = String;

    /// Reads a name in any case.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Method::ALL.into_iter();
        all.find(|method| method.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                let names = Method::ALL.map(Method::name).join(", ");
                format!("{text:?} is not a method that can be sent; use one of {names}")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_is_read_by_its_name() {
        for method in Method::ALL {
            assert_eq!(method.name().parse(), Ok(method));
            assert_eq!(method.name().to_lowercase().parse(), Ok(method));
            assert_eq!(method.http().as_str(), method.name());
            assert_eq!(method.goose().to_string(), method.name());
        }
        assert!("TRACE".parse::<Method>().is_err());
    }
}

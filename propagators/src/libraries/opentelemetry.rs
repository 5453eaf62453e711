//! OpenTelemetry's SDKs. All choose alike: they continue the context of the last format in the list
//! that holds one (`b.w3c+b3.trace`). They differ in the headers that they accept.

pub(super) mod go;
pub(super) mod java;
pub(super) mod javascript;
pub(super) mod python;
pub(super) mod rust;

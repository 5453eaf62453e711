//! OpenTelemetry's SDKs. All choose alike: the last format of the list that holds a context is
//! continued whole (`b.w3c+b3.trace`). They differ in what each accepts.

pub(super) mod go;
pub(super) mod java;
pub(super) mod javascript;
pub(super) mod python;
pub(super) mod rust;

//! How people and commands change a running lab: the switch of its modes, the token that allows it,
//! the API and the page that use both, and the note by which commands find the lab.

pub(crate) mod api;
mod change;
mod controls;
mod page;
pub mod registry;
mod token;

pub use change::SwitchRequest;
pub use controls::Controls;
pub(crate) use controls::{Functions, Parts};
pub use page::{Page, Routes};
pub use token::Token;

//! The page of a lab. The lab serves its routes. The page reads and changes the lab through
//! [`Controls`].

use std::sync::Arc;

use axum::Router;

use super::controls::Controls;
use crate::monitoring::Watcher;

/// A page for people that a lab serves in addition to its control API.
///
/// A page must not keep the [`Controls`] outside of its routes: the lab's span file is complete
/// only when the last of them is gone.
pub trait Page: Watcher {
    /// The page's routes. It serves `GET /`; every other path of the control API is taken.
    fn routes(self: Arc<Self>, controls: Arc<Controls>) -> Routes;
}

/// The routes of a page.
#[derive(Debug, Default)]
pub struct Routes {
    /// Routes that change nothing.
    pub reading: Router,
    /// Routes that change something. The lab answers 403 without its token, and to pages of other
    /// origins.
    pub changing: Router,
}

//! How an experiment reports its progress.

use baton_loadgen::Progress;

/// Receives what happens during an experiment. By default, it ignores everything.
pub trait Observer: Sync {
    /// A stage of this name begins.
    fn stage(&self, _name: &str) {}

    /// The member of this name begins its turn within the current stage.
    fn turn(&self, _name: &str) {}

    /// How far the load of the current stage has come.
    fn advance(&self, _progress: &Progress) {}

    /// The current stage has ended, after this many requests.
    fn stage_done(&self, _requests: u64) {}

    /// This many more requests have ended, in any stage.
    fn add(&self, _requests: u64) {}

    /// A message for the user.
    fn note(&self, _text: &str) {}

    /// A detail for users who ask for more.
    fn detail(&self, _text: &str) {}
}

//! How an experiment reports its progress.

use baton_loadgen::Progress;

/// Hears what happens during an experiment.
pub trait Observer {
    /// A stage of this name begins.
    fn stage(&self, name: &str);

    /// Within the current stage, it is now the turn of the member of this name.
    fn turn(&self, name: &str);

    /// How far the load of the current stage has come.
    fn advance(&self, progress: &Progress);

    /// The current stage has ended, after this many requests.
    fn stage_done(&self, requests: u64);

    /// This many more requests have ended, in any stage.
    fn add(&self, requests: u64);

    /// A message for the user.
    fn note(&self, text: &str);

    /// A detail for users who ask for more.
    fn detail(&self, text: &str);
}

//! Who is told how far an experiment has come.

use baton_loadgen::Progress;

/// Is told what happens while an experiment runs.
pub trait Observer {
    /// A stage of this name begins.
    fn stage(&self, name: &str);

    /// The load of the present stage has come this far.
    fn advance(&self, progress: &Progress);

    /// The present stage has ended, after this many requests.
    fn stage_done(&self, requests: u64);

    /// This many more requests have ended, in any stage.
    fn add(&self, requests: u64);

    /// Something that people should know.
    fn note(&self, text: &str);

    /// A detail for people who ask for more.
    fn detail(&self, text: &str);
}

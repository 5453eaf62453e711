//! The flags of `baton merge`.

use std::path::PathBuf;

use baton_traces::source::Source;
use clap::Args;

/// `baton merge`.
#[derive(Debug, Args)]
pub(crate) struct MergeArguments {
    /// The runs to join: directories that baton burst --out or baton run wrote with the same
    /// pairing, engine and settings; also exports of spans and addresses of backends, as baton
    /// compare takes them
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<Source>,
    /// The directory for the merged run; replaces an earlier run there
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

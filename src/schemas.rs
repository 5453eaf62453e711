//! The JSON Schemas of what the commands print.

use baton_schemas::publish;

use crate::commands::explain::answer::Answer;
use crate::commands::explain::list::Listed;
use crate::commands::{audit, burst, compare, completions, man, merge, run, traces, up};
use crate::print::comparison::ComparisonJson;

#[test]
fn schemas_are_published() {
    publish::<ComparisonJson<'_, run::Own<'_>>>("baton_run");
    publish::<ComparisonJson<'_, compare::Own<'_>>>("baton_compare");
    publish::<compare::diff::DiffJson<'_>>("baton_compare_diff");
    publish::<burst::print::BurstJson<'_>>("baton_burst");
    publish::<ComparisonJson<'_, burst::several::Own<'_>>>("baton_burst_several");
    publish::<audit::AuditJson<'_>>("baton_audit");
    publish::<Answer<'_>>("baton_explain");
    publish::<Vec<Listed>>("baton_explain_list_libraries");
    publish::<traces::ListJson<'_>>("baton_traces");
    publish::<traces::ShownJson<'_>>("baton_traces_one");
    publish::<merge::MergeJson<'_>>("baton_merge");
    publish::<up::UpJson<'_>>("baton_up");
    publish::<man::PageJson<'_>>("baton_man");
    publish::<man::SavedJson<'_>>("baton_man_out");
    publish::<completions::ScriptJson>("baton_completions");
}

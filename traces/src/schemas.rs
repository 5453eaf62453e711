//! The JSON Schemas of this crate's types.

use std::collections::BTreeMap;

use baton_schemas::publish;

use crate::audit::patterns::Pattern;
use crate::audit::{Edge, HandOff, Unjudged};
use crate::compare::limits::Check;
use crate::compare::{Checked, Comparison, EdgeDifference};
use crate::figures::summary::{Requests, Summary};
use crate::hand_off::{Hop, Verdict};
use crate::run::Manifest;
use crate::service_map::ServiceMap;
use crate::trace::TraceJson;
use crate::trace::difference::Change;
use crate::trace::index::Passage;
use crate::version::Version;

#[test]
fn schemas_are_published() {
    publish::<Manifest>("run");
    publish::<Summary>("summary");
    publish::<ServiceMap>("map");
    publish::<HandOff>("hand_off");
    // parts of what commands print
    publish::<Edge>("edge");
    publish::<Unjudged>("unjudged");
    publish::<Pattern>("pattern");
    publish::<EdgeDifference>("edge_difference");
    publish::<Comparison>("comparison");
    publish::<Check>("check");
    publish::<Checked>("checked");
    publish::<Requests>("requests");
    publish::<BTreeMap<Hop, BTreeMap<Verdict, u64>>>("verdicts_by_hop");
    publish::<TraceJson<'_>>("trace");
    publish::<Passage>("passage");
    publish::<Change>("span_change");
    publish::<Version>("version");
}

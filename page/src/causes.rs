//! Why hand-offs between the lab's own functions broke, as far as the settings of their period
//! show it.

use baton_propagators::Mode;
use baton_traces::run::Function;

use crate::map::{CLIENT, EdgeRow};
use crate::mode_forecast::{Hop, Modes, Prediction};
use crate::settings::{self, Variables};

/// What the settings of one period do at each hop.
pub(crate) struct Causes {
    prediction: Prediction,
    stream: String,
}

impl Causes {
    /// The causes in a period, from the mode of the page's client and the variables of both
    /// functions. `stream` is the lab's own.
    pub(crate) fn of(
        client: &Mode,
        producer: &Variables,
        consumer: &Variables,
        stream: &str,
    ) -> Causes {
        let prediction = match (settings::of(producer), settings::of(consumer)) {
            (Some(producer), Some(consumer)) => {
                let modes = Modes {
                    client: client.clone(),
                    producer: producer.inject,
                    consumer: consumer.extract,
                    engine: consumer.engine,
                    select: consumer.select,
                    on_conflict: consumer.on_conflict,
                };
                modes.predict()
            }
            _ => Prediction::default(),
        };
        Causes {
            prediction,
            stream: stream.to_owned(),
        }
    }

    /// Why hand-offs over this edge broke; `None` if none broke, or the settings do not show it.
    pub(crate) fn of_edge(&self, edge: &EdgeRow) -> Option<String> {
        let mut broken = edge.verdicts.iter().filter(|verdict| !verdict.is_whole);
        let (first, further) = (broken.next()?, broken.next());
        let hop = self.hop(edge)?;
        if hop.joins {
            return Some(
                "With these modes it should hold. Open one, and look at the headers of its record."
                    .to_owned(),
            );
        }
        let explains = hop.verdict.name() == first.name && further.is_none();
        // the sentence begins with "The"
        let sentence = hop.sentence.replacen('T', "t", 1);
        explains.then(|| format!("With these modes, {sentence}"))
    }

    fn hop(&self, edge: &EdgeRow) -> Option<&Hop> {
        let is = |name: &str, function: Function| name == function.service_name();
        match &edge.over {
            Some(stream) => {
                let is_own = *stream == self.stream
                    && is(&edge.from, Function::Producer)
                    && is(&edge.to, Function::Consumer);
                self.prediction.record.as_ref().filter(|_| is_own)
            }
            None => {
                let is_own = edge.from == CLIENT && is(&edge.to, Function::Producer);
                self.prediction.ingress.as_ref().filter(|_| is_own)
            }
        }
    }
}

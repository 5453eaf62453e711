//! Several loads that take turns, so that what the machine does meanwhile affects all of them.

mod order;

use std::time::Duration;

use baton_loadgen::{AttackOutcome, Plan, Stop};
use tokio::sync::watch;

use self::order::balanced;
use crate::error::ExperimentError;
use crate::functions::Program;
use crate::load::Load;
use crate::load_generator::attack;
use crate::observer::Observer;

/// The rounds of a burst, unless the user sets another number or the burst is too small. With 16,
/// the signed-rank test finds a difference even if two rounds contradict it, after the correction
/// for all figures of a run.
pub const DEFAULT_ROUNDS: u32 = 16;
/// The smallest rounds by default. In smaller ones, most of the time would go into the start.
const MIN_REQUESTS: u64 = 50;
const MIN_TIME: Duration = Duration::from_millis(100);

/// A new id for runs whose rounds take turns. No two experiments have the same.
pub fn interleaving_id() -> String {
    format!("{:016x}", fastrand::u64(..))
}

/// A target of the load: the lab of a run, or an endpoint.
pub(crate) trait Member {
    /// Its name, for people.
    fn name(&self) -> String;

    /// The plan of its part of this number, from 0, over all bursts and rounds.
    fn plan(&self, load: &Load, part: u32) -> Result<Plan, ExperimentError>;

    /// A part has ended. Waits until its effects are over, so that they do not affect the next
    /// member's turn.
    async fn part_ended(&self) -> Result<(), ExperimentError>;
}

impl Load {
    /// In how many rounds each burst is sent to `members` members: as many as `asked`, or the
    /// default. A single member has no other to take turns with, and a ramp is not divided.
    ///
    /// # Errors
    /// If a round would have no request.
    pub fn rounds(&self, members: usize, asked: Option<u32>) -> Result<u32, ExperimentError> {
        let large_enough = match self.stop {
            Stop::Requests(requests) => requests >= MIN_REQUESTS * u64::from(DEFAULT_ROUNDS),
            Stop::Duration(time) => time >= MIN_TIME * DEFAULT_ROUNDS,
        };
        match (asked, self.stop) {
            (Some(rounds), Stop::Requests(requests)) if requests < u64::from(rounds) => {
                Err(ExperimentError::Setting(format!(
                    "--rounds {rounds} divides {requests} requests; use fewer rounds or more requests"
                )))
            }
            (Some(rounds), _) => Ok(rounds),
            _ if members > 1 && large_enough && self.ramp.is_zero() => Ok(DEFAULT_ROUNDS),
            _ => Ok(1),
        }
    }

    /// The part of one burst that belongs to round `number` of `rounds`, from 1.
    fn part(&self, number: u32, rounds: u32) -> Load {
        let stop = match self.stop {
            Stop::Requests(requests) => {
                let until = |number: u32| {
                    let sent = u128::from(requests) * u128::from(number) / u128::from(rounds);
                    u64::try_from(sent).unwrap_or(u64::MAX)
                };
                Stop::Requests(until(number) - until(number - 1))
            }
            Stop::Duration(time) => Stop::Duration(time / rounds),
        };
        Load { stop, ..*self }
    }

    /// Sends every burst to every member, in rounds. In a round, one member after the other has its
    /// turn, in an order that is balanced over the rounds. Returns the outcomes of each member's
    /// bursts. There are fewer than requested if a signal arrived or a member gave up.
    ///
    /// # Errors
    /// If the load generator cannot be run; also the errors of the members.
    pub(crate) async fn take_turns<M: Member>(
        &self,
        members: &[M],
        rounds: u32,
        program: &Program,
        observer: &dyn Observer,
        mut interrupted: watch::Receiver<bool>,
    ) -> Result<Vec<Vec<AttackOutcome>>, ExperimentError> {
        let mut bursts: Vec<Vec<AttackOutcome>> = vec![Vec::new(); members.len()];
        let mut has_given_up = vec![false; members.len()];
        for burst in 1..=self.bursts {
            let mut parts = vec![Vec::new(); members.len()];
            let orders = match rounds {
                1 => vec![(0..members.len()).collect()],
                _ => balanced(members.len(), rounds, &mut fastrand::Rng::new()),
            };
            for (number, order) in (1..=rounds).zip(orders) {
                if is_over(&has_given_up, &interrupted) {
                    break;
                }
                observer.stage(&self.stage(members, burst, (number, rounds)));
                let load = self.part(number, rounds);
                let part = (burst - 1) * rounds + number - 1;
                for place in order {
                    if has_given_up[place] || *interrupted.borrow() {
                        continue;
                    }
                    let member = &members[place];
                    if members.len() > 1 {
                        observer.turn(&member.name());
                    }
                    let plan = member.plan(&load, part)?;
                    let outcome = send(program, &plan, observer, interrupted.clone()).await?;
                    observer.stage_done(outcome.requests.sent);
                    member.part_ended().await?;
                    has_given_up[place] = outcome.gave_up;
                    parts[place].push((number, outcome));
                }
            }
            for (bursts, parts) in bursts.iter_mut().zip(&parts) {
                bursts.extend(AttackOutcome::of_rounds(parts));
            }
            if burst == self.bursts || is_over(&has_given_up, &interrupted) {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep(self.gap) => {}
                _ = interrupted.wait_for(|interrupted| *interrupted) => break,
            }
        }
        Ok(bursts)
    }

    /// What is being sent, for people.
    fn stage<M: Member>(&self, members: &[M], burst: u32, (round, rounds): (u32, u32)) -> String {
        let whose = match members {
            [only] => only.name(),
            _ => String::new(),
        };
        let burst = (self.bursts > 1).then(|| format!("burst {burst}/{}", self.bursts));
        let round = (rounds > 1).then(|| format!("round {round}/{rounds}"));
        let parts = [Some(whose), burst, round].into_iter().flatten();
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
        match parts.is_empty() {
            true => "burst".to_owned(),
            false => parts.join(" "),
        }
    }
}

/// Whether nothing more is sent: a signal arrived, or every member gave up.
fn is_over(has_given_up: &[bool], interrupted: &watch::Receiver<bool>) -> bool {
    *interrupted.borrow() || has_given_up.iter().all(|gave_up| *gave_up)
}

/// Sends one part. A signal ends it early.
async fn send(
    program: &Program,
    plan: &Plan,
    observer: &dyn Observer,
    mut interrupted: watch::Receiver<bool>,
) -> Result<AttackOutcome, ExperimentError> {
    let cancelled = async move {
        let _ = interrupted.wait_for(|interrupted| *interrupted).await;
    };
    attack(program, plan, |news| observer.advance(&news), cancelled).await
}

#[cfg(test)]
mod tests {
    use baton_propagators::Engine;

    use super::*;

    fn load(stop: Stop) -> Load {
        Load {
            users: 8,
            stop,
            rate: None,
            ramp: Duration::ZERO,
            bursts: 1,
            gap: Duration::ZERO,
            engine: Engine::Native,
        }
    }

    #[test]
    fn the_parts_of_a_burst_are_the_burst() {
        let burst = load(Stop::Requests(2_003));
        let sent = (1..=16).map(|number| match burst.part(number, 16).stop {
            Stop::Requests(requests) => requests,
            Stop::Duration(_) => 0,
        });
        let sent: Vec<u64> = sent.collect();
        assert_eq!(sent.iter().sum::<u64>(), 2_003);
        assert!(
            sent.iter().all(|part| (125..=126).contains(part)),
            "{sent:?}"
        );
        let part = load(Stop::Duration(Duration::from_secs(8))).part(3, 16);
        assert_eq!(part.stop, Stop::Duration(Duration::from_millis(500)));
    }

    #[test]
    fn rounds_are_made_where_they_help() {
        let large = load(Stop::Requests(2_000));
        let rounds = |load: &Load, members, asked| load.rounds(members, asked).expect("rounds");
        assert_eq!(rounds(&large, 8, None), DEFAULT_ROUNDS);
        assert_eq!(rounds(&large, 1, None), 1, "nobody to compare with");
        assert_eq!(rounds(&load(Stop::Requests(24)), 8, None), 1, "too small");
        assert_eq!(rounds(&large, 8, Some(3)), 3);
        let ramp = Load {
            ramp: Duration::from_secs(1),
            ..large
        };
        assert_eq!(rounds(&ramp, 8, None), 1, "a ramp is not divided");
        let error = load(Stop::Requests(10)).rounds(2, Some(16));
        assert_eq!(
            error.expect_err("too few").to_string(),
            "--rounds 16 divides 10 requests; use fewer rounds or more requests"
        );
    }
}

//! What one agent does once per run, apart from the load: one iteration of a plan of its own.

use std::sync::{Arc, Mutex, PoisonError};

use muster_proto::convert::{FOUND_BYTES_MAX, Performed};
use muster_proto::measurement::{Measurement, Sample, Sampled, SeriesTable, Shape, TallyTable, Totals};
use muster_proto::plan::Plan;
use muster_proto::share::Share;

use crate::engine::clock;
use crate::engine::collector::Collector;
use crate::engine::lease::Lease;
use crate::engine::start::{Engine, EngineConfig};
use crate::engine::witness::{Exchange, Watch, Witness};
use crate::generator::PrepareError;

/// The most things that went wrong which are told.
const FAILURES_MAX: usize = 3;

/// Keeps what an iteration finds out.
#[derive(Default)]
struct Keeping {
    found: Mutex<Option<Vec<(String, String)>>>,
    /// Who else watches.
    also: Option<Witness>,
}

impl Watch for Keeping {
    fn exchange(&self, exchange: &Exchange<'_>) {
        if let Some(Witness(also)) = &self.also {
            also.exchange(exchange);
        }
    }

    fn iteration(&self, found: Vec<(String, String)>) {
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    }
}

/// Makes the one iteration of a chore's plan, within the time that its profile gives it. Given up, it ends at once.
pub async fn perform(plan: Plan, config: &EngineConfig) -> Performed {
    let keeping = Arc::new(Keeping { also: config.witness.clone(), ..Keeping::default() });
    let witness = Some(Witness(Arc::clone(&keeping) as Arc<dyn Watch>));
    let config = EngineConfig { workers: 1, pin: false, witness, ..config.clone() };
    let (of, shape) = (plan.clone(), Shape::of(&plan));
    let prepared = tokio::task::spawn_blocking(move || prepare(plan, &config)).await;
    let (engine, collector) = match prepared {
        Ok(Ok(prepared)) => prepared,
        Ok(Err(error)) => return failed(error.to_string()),
        Err(error) => return failed(error.to_string()),
    };
    engine.start(clock::now_ns());
    let (totals, measured) = measure(collector, shape).await;
    let found = keeping.found.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
    match why(&of, totals, &measured.samples) {
        Some(reason) => failed(reason),
        None if found.iter().map(|(name, json)| name.len() + json.len()).sum::<usize>() > FOUND_BYTES_MAX => {
            failed(format!("it found out more than {FOUND_BYTES_MAX} bytes, which is all that is sent to agents"))
        }
        None => Performed { failure: None, found },
    }
}

fn prepare(plan: Plan, config: &EngineConfig) -> Result<(Engine, Collector), PrepareError> {
    let shares = [Share::full()];
    config.guard.check_plan(&plan, &shares)?;
    Ok(Engine::prepare(plan, &shares, config, &Lease::endless())?)
}

/// All that the iteration counted.
async fn measure(mut collector: Collector, shape: Shape) -> (Totals, Measurement) {
    let (mut totals, mut all) = (Totals::default(), Measurement::new(shape));
    while let Some(slice) = collector.next().await {
        slice.measured().for_each(|(_, measured)| all.merge(measured));
        totals = slice.gauges.first().map(|gauges| gauges.totals).unwrap_or_default();
        collector.give_back(slice);
    }
    (totals, all)
}

fn failed(reason: String) -> Performed {
    Performed { failure: Some(reason), found: Vec::new() }
}

/// Why it has failed, if it has.
fn why(plan: &Plan, totals: Totals, samples: &[Sample]) -> Option<String> {
    if totals.completed == 1 {
        return None;
    }
    let (series, tallies) = (SeriesTable::of(plan), TallyTable::of(plan));
    let told = samples.iter().take(FAILURES_MAX).filter_map(|sample| {
        Some(match sample.of {
            Sampled::Failure(number, _) => {
                format!("{}: {}", series.keys().get(number as usize)?.request, sample.text)
            }
            Sampled::Miss(number) => {
                let of = tallies.keys().get(number as usize)?;
                format!("{}, {}: {}", of.request, of.name, sample.text)
            }
        })
    });
    let told: Vec<String> = told.collect();
    let timeout_s = plan.scenarios.first().map_or(0.0, |scenario| scenario.executor.duration().as_secs_f64());
    let reason = match (totals.cut_off, told.is_empty()) {
        (0, true) => return Some("its steps ended it as failed".to_owned()),
        (0, false) => told.join("; "),
        (_, true) => format!("it was not done after {timeout_s} s"),
        (_, false) => format!("it was not done after {timeout_s} s; {}", told.join("; ")),
    };
    Some(reason)
}

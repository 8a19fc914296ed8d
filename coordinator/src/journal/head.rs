//! A journal's first frame: everything that the run was told at its beginning.

use core::net::SocketAddr;
use std::io::Read;
use std::time::Duration;

use jiff::Timestamp;
use muster_proto::BUILD_VERSION;
use muster_proto::convert::{plan_from_wire, plan_to_wire};
use muster_proto::id::RunId;
use muster_proto::plan::{AgentsWanted, OnLoss, Plan};
use muster_proto::wire::JournalHead;
use prost::Message;
use uuid::Uuid;

use super::ReplayError;
use super::frame::Frames;
use crate::begun::Begun;
use crate::plan_file::parse_threshold;
use crate::report::elided;
use crate::run::life::RunSettings;

/// How journals are written. Journals of another format are not read.
const FORMAT: u32 = 5;

/// What a run was told at its beginning, and when that was.
#[derive(Clone, Debug)]
pub struct Head {
    /// What it was told.
    pub settings: RunSettings,
    /// When.
    pub begun: Begun,
    /// Where agents join; nowhere when the coordinator generates the load itself.
    pub listen: Option<SocketAddr>,
    /// Whether the plan has something that must stay secret, which a head that was read lacks.
    pub lacks_secrets: bool,
}

impl Head {
    /// The head of a run that begins now and whose agents join there.
    #[must_use]
    pub fn new(settings: RunSettings, begun: Begun, listen: Option<SocketAddr>) -> Self {
        let lacks_secrets = elided(&settings.plan) != settings.plan;
        Self { settings, begun, listen, lacks_secrets }
    }

    /// As a frame's content, without what must stay secret.
    pub(super) fn encode(&self) -> Vec<u8> {
        let Self { settings, begun, listen, lacks_secrets } = self;
        let plan = elided(&settings.plan);
        let head = JournalHead {
            format: FORMAT,
            build_version: BUILD_VERSION.to_owned(),
            run_id: settings.id.0.as_bytes().to_vec().into(),
            thresholds: plan.thresholds.iter().map(|threshold| threshold.expression.clone()).collect(),
            start_when: plan.agents.start_when,
            on_loss: plan.agents.on_loss.name().to_owned(),
            hold_ns: plan.agents.hold.map_or(0, |hold| hold.as_nanos() as u64),
            loss_tolerance_millionths: plan.agents.loss_tolerance_millionths,
            plan: Some(plan_to_wire(&plan)),
            tags: settings.tags.clone().into_iter().collect(),
            strict: settings.strict,
            lease_ns: settings.lease_ns,
            gather_max_ns: settings.gather_max_ns,
            begun_ns: begun.clock_ns,
            begun_unix_ns: unix_ns(begun.wall),
            begun_boot_id: begun.boot.as_bytes().to_vec().into(),
            listen: listen.map(|address| address.to_string()).unwrap_or_default(),
            lacks_secrets: *lacks_secrets,
        };
        head.encode_to_vec()
    }

    /// The head of a journal, from its beginning, or that of any of its segments.
    ///
    /// # Errors
    /// When it is damaged, or not of this build.
    pub fn read(source: impl Read) -> Result<Self, ReplayError> {
        Self::decode(&Frames::new(source).next_content()?.ok_or(ReplayError::Empty)?)
    }

    /// From a frame's content.
    pub(super) fn decode(content: &[u8]) -> Result<Self, ReplayError> {
        let wrong = |what: String| ReplayError::Head(what);
        let head = JournalHead::decode(content).map_err(|error| wrong(error.to_string()))?;
        if head.format != FORMAT || head.build_version != BUILD_VERSION {
            let found = format!("format {} of build {}", head.format, head.build_version);
            return Err(ReplayError::Foreign { found, wanted: format!("format {FORMAT} of build {BUILD_VERSION}") });
        }
        let plan = plan_from_wire(head.plan.ok_or_else(|| wrong("it has no plan".to_owned()))?);
        let plan = plan.map_err(|error| wrong(error.to_string()))?;
        let on_loss = OnLoss::ALL.into_iter().find(|on_loss| on_loss.name() == head.on_loss);
        let on_loss = on_loss.ok_or_else(|| wrong(format!("{} on loss", head.on_loss)))?;
        let hold = Some(head.hold_ns).filter(|ns| *ns > 0).map(Duration::from_nanos);
        let loss_tolerance_millionths = head.loss_tolerance_millionths;
        let threshold = |text: &String| parse_threshold(text, &plan.metrics);
        let thresholds = head.thresholds.iter().map(threshold).collect::<Result<_, _>>();
        let plan = Plan {
            thresholds: thresholds.map_err(wrong)?,
            agents: AgentsWanted { start_when: head.start_when, on_loss, loss_tolerance_millionths, hold },
            ..plan
        };
        let begun = begun(head.begun_ns, head.begun_unix_ns, &head.begun_boot_id).map_err(wrong)?;
        let listen = Some(head.listen).filter(|address| !address.is_empty()).map(|address| address.parse());
        let listen = listen.transpose().map_err(|_| wrong("agents join at no address".to_owned()))?;
        let settings = RunSettings {
            id: RunId(Uuid::from_slice(&head.run_id).map_err(|error| wrong(error.to_string()))?),
            plan,
            tags: head.tags.into_iter().collect(),
            strict: head.strict,
            lease_ns: head.lease_ns,
            gather_max_ns: head.gather_max_ns,
        };
        Ok(Self { settings, begun, listen, lacks_secrets: head.lacks_secrets })
    }
}

/// The wall clock as it is written down.
pub(super) fn unix_ns(wall: Timestamp) -> i64 {
    i64::try_from(wall.as_nanosecond()).unwrap_or(i64::MAX)
}

/// A moment by both clocks, from how it was written down.
pub(super) fn begun(clock_ns: u64, unix_ns: i64, boot: &[u8]) -> Result<Begun, String> {
    let wall = Timestamp::from_nanosecond(unix_ns.into()).map_err(|error| error.to_string())?;
    Ok(Begun { clock_ns, wall, boot: Uuid::from_slice(boot).map_err(|error| error.to_string())? })
}

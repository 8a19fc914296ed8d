//! How large a plan file, and what it asks for, may be.
//!
//! Every bound is far above what a sensible plan needs and far below what would harm the coordinator or its agents.

use std::time::Duration;

/// The largest plan file, in bytes. A larger one is refused before it is read.
pub const FILE_BYTES_MAX: u64 = 1 << 20;
/// The most keys and values in a plan file once its aliases are expanded, so that aliases of aliases cannot exhaust
/// memory; a copy of a long text counts once more for every 64 bytes.
/// The bound also keeps expanded nesting to some hundred levels, because each level repeats all those below it.
pub(super) const NODES_MAX: usize = 250_000;
/// The deepest nesting of lists and maps as written.
pub(super) const DEPTH_MAX: usize = 64;
/// The largest file that a plan takes a body from, in bytes.
pub const BODY_BYTES_MAX: u64 = 1 << 20;
/// The largest file of rows that a plan may name, in bytes.
pub(super) const DATA_BYTES_MAX: u64 = 4 << 30;
/// The largest certificate or key file, in bytes.
pub(super) const PEM_BYTES_MAX: u64 = 1 << 20;
/// The most users of one scenario.
pub const USERS_MAX: u64 = muster_proto::plan::USERS_MAX as u64;
/// The bound on the users of an open model where the plan does not set one.
pub const MAX_USERS_DEFAULT: u32 = 10_000;
/// The most iterations of one scenario, or of one user.
pub(super) const ITERATIONS_MAX: u64 = 10_000_000_000_000;
/// The most stages of one scenario.
pub(super) const STAGES_MAX: usize = 1_000;
/// The most thresholds of one plan.
pub(super) const THRESHOLDS_MAX: usize = 1_000;
/// The most agents that a plan may wait for.
pub(super) const AGENTS_MAX: u64 = 10_000;
/// How long a scenario lasts at most that is ended by hand, where the plan does not say.
pub(super) const MANUAL_DURATION_DEFAULT: Duration = Duration::from_secs(24 * 3600);
/// The longest profile and the longest delay of a scenario.
pub(super) const PROFILE_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
/// The longest timeout: what histograms can hold.
pub(crate) const TIMEOUT_MAX: Duration = Duration::from_secs(3600);
/// The longest pause of a `think` step.
pub(crate) const THINK_MAX: Duration = Duration::from_secs(24 * 3600);
/// The longest window of a threshold, in seconds.
pub(super) const WINDOW_SECONDS_MAX: u32 = 3600;
/// The most redirects that a request may follow.
pub(crate) const REDIRECTS_MAX: u64 = 20;
/// The most header fields of one request.
pub(crate) const HEADERS_MAX: usize = 100;
/// The longest value of a header field, in bytes.
pub(crate) const HEADER_BYTES_MAX: usize = 8 << 10;
/// The longest path and query of a request, in bytes.
pub(crate) const PATH_BYTES_MAX: usize = 8 << 10;
/// How long iterations may still take once a profile has ended, unless the plan says so; as in k6.
pub(super) const GRACEFUL_STOP_DEFAULT: Duration = Duration::from_secs(30);
/// When the users of an iterations executor are stopped, unless the plan says so; as in k6.
pub(super) const MAX_DURATION_DEFAULT: Duration = Duration::from_secs(600);
/// How long a request may take, unless the plan says so.
pub(super) const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// What the random streams are derived from, unless the plan says so: fixed, so that a plan repeats itself.
pub const SEED_DEFAULT: u64 = 42;

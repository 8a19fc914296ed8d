//! The ways in which a response can go wrong.

macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident = $name:literal,)*) => {
        /// What a scripted response does wrong. Unless said otherwise the connection ends with it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Fault {
            $($(#[$doc])* $fault,)*
        }

        impl Fault {
            /// Every fault, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$fault,)*];

            /// The name that a script uses.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$fault => $name,)*
                }
            }
        }
    };
}

faults! {
    /// Closes before the first byte of the response.
    CloseBefore = "close-before",
    /// Closes in the middle of the head.
    CloseMidHead = "close-mid-head",
    /// Closes in the middle of the body.
    CloseMidBody = "close-mid-body",
    /// Sends the whole response and then closes without having announced it.
    CloseAfter = "close-after",
    /// Resets the connection before the first byte of the response.
    Reset = "reset",
    /// Resets the connection in the middle of the body.
    ResetMidBody = "reset-mid-body",
    /// Never answers; holds the connection until the client leaves, at most ten minutes.
    Never = "never",
    /// Falls silent in the middle of the head, and holds the connection like `never`.
    SilentMidHead = "silent-mid-head",
    /// Falls silent in the middle of the body, and holds the connection like `never`.
    SilentMidBody = "silent-mid-body",
    /// Sends the whole response one byte per `interval`; the connection lives on.
    Trickle = "trickle",
    /// Sends bytes that are not HTTP.
    Garbage = "garbage",
    /// Sends header after header, up to 16 MiB.
    EndlessHead = "endless-head",
    /// Sends one header whose value does not end, up to 16 MiB.
    EndlessHeader = "endless-header",
    /// Names a version of HTTP that does not exist.
    WrongVersion = "wrong-version",
    /// Sends a status that is no number.
    BadStatus = "bad-status",
    /// Sends a content-length that is no number.
    BadLength = "bad-length",
    /// Sends two content-lengths that disagree.
    TwoLengths = "two-lengths",
    /// Announces a chunk of 2^64 - 1 bytes.
    HugeChunk = "huge-chunk",
    /// Sends a chunk size that is no number.
    BadChunk = "bad-chunk",
    /// Closes in the middle of a chunk.
    TruncatedChunk = "truncated-chunk",
    /// Sends ten thousand `100 Continue` before the response; the connection lives on.
    InterimFlood = "interim-flood",
    /// Sends a whole response and then bytes that nobody asked for; the connection lives on.
    Surplus = "surplus",
}

impl Fault {
    /// Finds a fault by its name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::listed().iter().copied().find(|fault| fault.name() == text)
    }

    /// Every fault, in a way that hides their number from the optimiser: knowing it, it would unroll whatever goes
    /// through them and study the result for minutes.
    fn listed() -> &'static [Self] {
        std::hint::black_box(Self::ALL)
    }

    /// All names, for messages.
    pub(crate) fn names() -> String {
        let names: Vec<_> = Self::listed().iter().map(|fault| fault.name()).collect();
        format!("one of {}", names.join(", "))
    }
}

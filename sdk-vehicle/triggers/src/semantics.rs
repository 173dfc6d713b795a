//! What expressions mean over time. (Documentation only.)
//!
//! **Values are functions of time.** A signal holds its last sample until the next one. Before its first sample, and from
//! the rule's `stale_s` after its last one, it is *unknown*. The engine evaluates a rule when a signal it mentions gets a
//! sample and at the instants below at which time alone changes its value, so the outcome depends on the samples only,
//! never on how often the engine is called.
//!
//! **Unknown propagates** through arithmetic and comparison. `&&`, `||` and `!` follow Kleene's three-valued logic, as CEL
//! does with errors: `false && unknown` is false, `true || unknown` is true, whichever side comes first. A conditional
//! with an unknown condition is unknown. A division by zero and a result too large for a number are unknown. A rule whose
//! condition is unknown does not fire; one that fires ends.
//!
//! **Functions over time**
//!
//! | function | value at time t |
//! | --- | --- |
//! | `rising(b)` `falling(b)` | true in the step in which `b` turns true (false) having last been known as false (true); false 1 ns later |
//! | `changed(x)` | true in the step in which `x` differs from its last known value; false 1 ns later |
//! | `for(b, d)` | true when `b` has been true throughout [t-d, t]; unknown when `b` is unknown |
//! | `rate(signal)` | difference of its last two samples over their distance in time; unknown while the signal is, before the second sample, and when the two are `stale_s` or more apart |
//! | `has(signal)` | whether it is known |
//! | `age(signal)` | seconds from its last sample (from the engine's first step, if none) to the last whole tenth of a second of boot time before t, not below 0, at most 600 |
//!
//! **Windows** are cut into 64 buckets of q = d/64, laid on multiples of q of boot time, so memory does not depend on how
//! fast samples come. With g the last multiple of q not after t:
//!
//! | function | value at time t |
//! | --- | --- |
//! | `window_max(x, d)` `window_min(x, d)` | extreme of the known values of `x` over [g-d, t] and just before g-d |
//! | `window_mean(x, d)` | mean over time of the known values of `x` over [g-d, g] |
//! | `rate(x, d)` | (`x` just before g minus `x` just before g-d) / d; unknown when either is |
//!
//! All are unknown when nothing is known in their range.
//!
//! **Firing.** A rule fires at the first instant its condition has been true for `for_s`, unless it is within `cooldown_s`
//! of its last end; a condition still true when the cooldown ends fires then, but only if it was not true at some time
//! since the last firing began. The firing ends when the condition is no longer true, or when its capture window
//! (`pre_s` before, `post_s` after) has reached `max_duration_s`.

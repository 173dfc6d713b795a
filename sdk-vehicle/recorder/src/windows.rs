//! Capture windows, merged into the clips to cut.

use std::collections::BTreeSet;

use cloverleaf_clip::Trigger;
use cloverleaf_vocabulary::{BootTime, TimeDelta};

/// A stretch of time that a trigger wants kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// What fired. The rule and `at_ns` name the window: given again, it replaces what was said before.
    pub trigger: Trigger,
    /// First instant, the pre-roll included.
    pub start: BootTime,
    /// Last instant, the post-roll included.
    pub end: BootTime,
    /// The trigger still holds, so the end will move.
    pub is_open: bool,
    /// Topics to keep; empty is all. Raw CAN and the events are always kept.
    pub topics: Vec<String>,
}

/// A clip to be cut: one window, or several that overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// First instant.
    pub start: BootTime,
    /// Last instant.
    pub end: BootTime,
    /// What fired, in order of time.
    pub triggers: Vec<Trigger>,
    is_open: Vec<bool>,
    /// Topics to keep; `None` is all.
    topics: Option<BTreeSet<String>>,
}

impl Cut {
    fn new(window: Window) -> Self {
        Self {
            start: window.start,
            end: window.end,
            triggers: vec![window.trigger],
            is_open: vec![window.is_open],
            topics: (!window.topics.is_empty()).then(|| window.topics.into_iter().collect()),
        }
    }

    pub(crate) fn keeps(&self, topic: &str) -> bool {
        self.topics.as_ref().is_none_or(|topics| topics.contains(topic)) || topic.starts_with("/can/")
    }

    fn update(&mut self, window: &Window) -> bool {
        let same = |trigger: &Trigger| trigger.rule == window.trigger.rule && trigger.at_ns == window.trigger.at_ns;
        let Some(index) = self.triggers.iter().position(same) else { return false };
        self.triggers[index] = window.trigger.clone();
        self.is_open[index] = window.is_open;
        self.end = self.end.max(window.end);
        true
    }

    fn absorb(&mut self, other: Self) {
        self.start = self.start.min(other.start);
        self.end = self.end.max(other.end);
        self.triggers.extend(other.triggers);
        self.is_open.extend(other.is_open);
        self.topics = self.topics.take().zip(other.topics).map(|(mut ours, theirs)| {
            ours.extend(theirs);
            ours
        });
        let mut order: Vec<usize> = (0..self.triggers.len()).collect();
        order.sort_by_key(|&index| (self.triggers[index].at_ns, self.triggers[index].rule.clone()));
        self.triggers = order.iter().map(|&index| self.triggers[index].clone()).collect();
        self.is_open = order.iter().map(|&index| self.is_open[index]).collect();
    }
}

/// Clips to be cut, in order of their start. Few, so a plain list.
#[derive(Debug, Default)]
pub(crate) struct Windows {
    cuts: Vec<Cut>,
}

impl Windows {
    /// Adds a window or says more about a known one. Clips that overlap become one unless that would be longer than
    /// `longest`; then both are kept whole and share what they overlap in.
    pub(crate) fn add(&mut self, window: Window, longest: TimeDelta) {
        if !self.cuts.iter_mut().any(|cut| cut.update(&window)) {
            self.cuts.push(Cut::new(window));
        }
        self.cuts.sort_by_key(|cut| (cut.start, cut.end));
        let mut merged: Vec<Cut> = Vec::new();
        for cut in self.cuts.drain(..) {
            match merged.last_mut() {
                Some(last) if cut.start <= last.end && last.end.max(cut.end) - last.start <= longest => {
                    last.absorb(cut)
                }
                _ => merged.push(cut),
            }
        }
        self.cuts = merged;
    }

    /// From where on messages are still needed.
    pub(crate) fn earliest_start(&self) -> Option<BootTime> {
        self.cuts.first().map(|cut| cut.start)
    }

    /// The first clip that ended before `settled` and whose triggers have all ended.
    pub(crate) fn due(&self, settled: BootTime) -> Option<&Cut> {
        self.cuts.iter().find(|cut| cut.end < settled && !cut.is_open.contains(&true))
    }

    /// The first clip, done or not: for the end of the drive.
    pub(crate) fn first(&self) -> Option<&Cut> {
        self.cuts.first()
    }

    pub(crate) fn remove(&mut self, cut: &Cut) {
        self.cuts.retain(|known| known.triggers != cut.triggers);
    }
}

#[cfg(test)]
mod tests {
    use cloverleaf_vocabulary::RuleId;

    use super::*;

    fn seconds(s: u64) -> BootTime {
        BootTime::from_nanos(s * 1_000_000_000)
    }

    fn window(rule: &str, start: u64, at: u64, end: u64, is_open: bool) -> Window {
        let rule = RuleId::new(rule).unwrap();
        let trigger = Trigger { rule, at_ns: seconds(at), until_ns: seconds(at), message: String::new() };
        Window { trigger, start: seconds(start), end: seconds(end), is_open, topics: Vec::new() }
    }

    fn spans(windows: &[Window], longest: i64) -> Vec<(u64, u64, usize)> {
        let mut all = Windows::default();
        for window in windows {
            all.add(window.clone(), TimeDelta::from_millis(longest * 1000));
        }
        let secs = |time: BootTime| time.as_nanos() / 1_000_000_000;
        all.cuts.iter().map(|cut| (secs(cut.start), secs(cut.end), cut.triggers.len())).collect()
    }

    #[test]
    fn what_overlaps_becomes_one_clip() {
        type Case<'a> = (&'a [Window], &'a [(u64, u64, usize)]);
        let cases: [Case<'_>; 4] = [
            (&[window("a", 0, 5, 10, false), window("b", 8, 13, 18, false)], &[(0, 18, 2)]),
            (&[window("a", 0, 5, 10, false), window("b", 11, 16, 21, false)], &[(0, 10, 1), (11, 21, 1)]),
            // A window that grows reaches the next one.
            (
                &[window("a", 0, 5, 10, true), window("b", 12, 17, 22, false), window("a", 0, 5, 13, false)],
                &[(0, 22, 2)],
            ),
            // Longer than 30 s together: kept apart, each whole.
            (&[window("a", 0, 5, 25, false), window("b", 20, 25, 35, false)], &[(0, 25, 1), (20, 35, 1)]),
        ];
        for (windows, expected) in cases {
            assert_eq!(spans(windows, 30), expected);
        }
    }

    #[test]
    fn a_clip_keeps_what_any_of_its_windows_wants() {
        let longest = TimeDelta::from_millis(60_000);
        let with = |rule: &str, topics: &[&str]| Window {
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            ..window(rule, 0, 5, 10, false)
        };
        let mut all = Windows::default();
        all.add(with("a", &["/imu"]), longest);
        all.add(with("b", &["/pose"]), longest);
        let keeps =
            |all: &Windows| ["/imu", "/pose", "/can/0", "/gnss/fix"].map(|topic| all.first().unwrap().keeps(topic));
        assert_eq!(keeps(&all), [true, true, true, false]);
        all.add(with("c", &[]), longest);
        assert_eq!(keeps(&all), [true; 4]);
    }

    #[test]
    fn an_open_clip_is_not_due() {
        let mut all = Windows::default();
        let longest = TimeDelta::from_millis(60_000);
        all.add(window("a", 0, 5, 10, true), longest);
        assert_eq!(all.due(seconds(50)), None);
        all.add(window("a", 0, 5, 12, false), longest);
        assert_eq!(all.due(seconds(12)), None);
        let cut = all.due(seconds(13)).unwrap().clone();
        assert_eq!((cut.start, cut.end), (seconds(0), seconds(12)));
        all.remove(&cut);
        assert_eq!(all.first(), None);
    }
}

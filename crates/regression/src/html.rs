//! The report a person reads: one page that needs nothing from outside.

use cloverleaf_judgement::Extreme;

use crate::baseline::Change;
use crate::plot::{time_plot, top_view};
use crate::result::{CaseOutcome, CaseResult, Outcome, Status, SuiteReport};
use crate::suite::Expectation;

const STYLE: &str = include_str!("../../../viewer/report/report.css");
const SCRIPT: &str = include_str!("../../../viewer/report/report.js");

/// The report as one HTML page.
pub fn html_page(report: &SuiteReport) -> String {
    let mut page = String::with_capacity(64 * 1024 * (1 + report.cases.len()));
    let name = text(&report.name);
    page.push_str("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    put(&mut page, format_args!("<title>{name}: {}</title><style>{STYLE}</style></head><body>", headline(report)));
    header(&mut page, report);
    overview(&mut page, report);
    for case in &report.cases {
        section(&mut page, report, case);
    }
    put(&mut page, format_args!("<script>{SCRIPT}</script></body></html>\n"));
    page
}

fn headline(report: &SuiteReport) -> &'static str {
    match report.outcome() {
        Outcome::Passed => "all as expected",
        Outcome::Regressed => "regressed",
        Outcome::Broken => "broken",
    }
}

fn header(page: &mut String, report: &SuiteReport) {
    put(
        page,
        format_args!(
            "<header><h1>{} <span class=\"chip {}\">{}</span></h1>",
            text(&report.name),
            class_of(report.outcome()),
            headline(report)
        ),
    );
    if !report.description.is_empty() {
        put(page, format_args!("<p>{}</p>", text(&report.description)));
    }
    let simulated_s: f64 = report.cases.iter().filter_map(|case| Some(case.outcome.as_ref().ok()?.duration_s)).sum();
    put(
        page,
        format_args!(
            "<p class=\"caption\">{} &middot; {} cases, {simulated_s:.0} s simulated in {:.1} s &middot; started {} UTC</p>",
            text(&report.path.display().to_string()),
            report.cases.len(),
            report.took.as_secs_f64(),
            utc(report.started.as_nanos())
        ),
    );
    page.push_str(
        "<nav class=\"filters\" aria-label=\"filter\"><button data-status=\"all\" aria-pressed=\"true\">all</button>",
    );
    for status in [Status::Broken, Status::Wrong, Status::Worse, Status::Good] {
        let count = report.count(status);
        if count > 0 {
            let (id, words) = name_of(status);
            put(
                page,
                format_args!("<button data-status=\"{id}\" aria-pressed=\"false\">{words} <b>{count}</b></button>"),
            );
        }
    }
    page.push_str("<input type=\"search\" placeholder=\"find a case\" aria-label=\"find a case\"></nav>");
    if !report.comparison.has_baseline {
        page.push_str("<p class=\"caption\">There is no baseline: nothing is compared with an earlier run.</p>");
    }
    for id in &report.comparison.missing {
        put(page, format_args!("<p class=\"bad\">{} is in the baseline and not in the suite.</p>", text(id)));
    }
    page.push_str("</header>");
}

fn overview(page: &mut String, report: &SuiteReport) {
    page.push_str(
        "<div class=\"scroll\"><table><thead><tr><th>case</th><th>status</th><th>verdict</th><th>expected</th>\
         <th class=\"n\">least gap, m</th><th class=\"n\">least TTC, s</th><th class=\"n\">least headway, s</th>\
         <th class=\"n\">hardest braking, m/s&sup2;</th><th class=\"n\">simulated, s</th><th>first finding</th></tr></thead><tbody>",
    );
    for case in &report.cases {
        let (status, words) = name_of(report.status(case));
        let id = anchor(&case.id);
        put(
            page,
            format_args!(
                "<tr data-status=\"{status}\" data-name=\"{name}\"><td><a href=\"#{id}\">{name}</a></td>\
                 <td><span class=\"chip {status}\">{words}</span></td>",
                name = text(&case.id)
            ),
        );
        let expected = if case.expect == Expectation::Pass { "pass" } else { "fail" };
        match &case.outcome {
            Ok(outcome) => {
                let verdict = if outcome.passed { "pass" } else { "fail" };
                put(page, format_args!("<td>{verdict}</td><td>{expected}</td>"));
                let summary = &outcome.summary;
                for extreme in [&summary.min_gap_m, &summary.min_ttc_s, &summary.min_thw_s, &summary.max_decel_mps2] {
                    put(page, format_args!("<td class=\"n\">{}</td>", number(extreme)));
                }
                let first = outcome.findings.first().map(|finding| text(&finding.to_string())).unwrap_or_default();
                put(page, format_args!("<td class=\"n\">{:.1}</td><td>{first}</td></tr>", outcome.duration_s));
            }
            Err(why) => {
                let first = text(why.lines().next().unwrap_or_default());
                put(page, format_args!("<td>none</td><td>{expected}</td><td colspan=\"5\"></td><td>{first}</td></tr>"));
            }
        }
    }
    page.push_str("</tbody></table></div>");
}

fn section(page: &mut String, report: &SuiteReport, case: &CaseResult) {
    let status = report.status(case);
    let (class, words) = name_of(status);
    let open = if status == Status::Good { "" } else { " open" };
    put(
        page,
        format_args!(
            "<details id=\"{}\" data-status=\"{class}\" data-name=\"{name}\"{open}><summary>{name} <span class=\"chip {class}\">{words}</span></summary>",
            anchor(&case.id),
            name = text(&case.id)
        ),
    );
    if !case.description.is_empty() {
        put(page, format_args!("<p>{}</p>", text(&case.description)));
    }
    facts(page, case);
    let changes = report.changes(case);
    if !changes.is_empty() {
        page.push_str("<h3>Against the baseline</h3><ul>");
        for change in changes {
            let class = if change.is_regression() {
                "bad"
            } else if *change == Change::NowPasses {
                "fine"
            } else {
                ""
            };
            put(page, format_args!("<li class=\"{class}\">{}</li>", text(&change.to_string())));
        }
        page.push_str("</ul>");
    }
    match &case.outcome {
        Err(why) => put(page, format_args!("<pre class=\"bad\">{}</pre>", text(why))),
        Ok(outcome) => results(page, outcome),
    }
    page.push_str("</details>");
}

fn facts(page: &mut String, case: &CaseResult) {
    page.push_str("<dl>");
    let mut fact = |name: &str, value: &str| put(page, format_args!("<dt>{}</dt><dd>{}</dd>", text(name), text(value)));
    fact("scenario", &case.scenario.display().to_string());
    fact("driver", &case.driver);
    fact("seed", &case.seed.to_string());
    for (name, value) in &case.parameters {
        fact(&format!("parameter {name}"), value);
    }
    for (name, value) in &case.properties {
        fact(name, value);
    }
    if let Ok(outcome) = &case.outcome {
        fact("under test", &outcome.subject);
        fact("ended by", end_words(outcome));
        fact("drove", &format!("{:.0} m in {:.1} s", outcome.summary.distance_m, outcome.duration_s));
        fact("digest", &outcome.digest);
    }
    page.push_str("</dl>");
}

fn results(page: &mut String, outcome: &CaseOutcome) {
    if !outcome.findings.is_empty() {
        page.push_str("<h3>Findings</h3><ul>");
        for finding in &outcome.findings {
            put(page, format_args!("<li class=\"bad\">{}</li>", text(&finding.to_string())));
        }
        page.push_str("</ul>");
    }
    if !outcome.notes.is_empty() {
        page.push_str("<h3>Notes</h3><ul>");
        for note in &outcome.notes {
            put(page, format_args!("<li>{}</li>", text(note)));
        }
        page.push_str("</ul>");
    }
    let pictures = &outcome.pictures;
    let (marks, duration_s) = (&pictures.marks_s, outcome.duration_s);
    page.push_str("<p class=\"legend\">");
    for (index, track) in pictures.tracks.iter().enumerate() {
        put(page, format_args!("<span class=\"key c{}\"></span>{} ", index % 8, text(&track.name)));
    }
    page.push_str("</p><div class=\"plots\">");
    let [ttc_limit, thw_limit, decel_limit] = pictures.limits.map(|limit| limit.into_iter().collect::<Vec<f64>>());
    let decel_limit: Vec<f64> = decel_limit.into_iter().map(|limit| -limit).collect();
    let plots = [
        ("Top view", top_view(pictures)),
        ("Speed", time_plot(&pictures.speeds.iter().collect::<Vec<_>>(), "m/s", marks, &[], duration_s, true)),
        ("Gap to the leader", time_plot(&[&pictures.gap], "m", marks, &[], duration_s, true)),
        ("Time to collision, up to 10 s", time_plot(&[&pictures.ttc], "s", marks, &ttc_limit, duration_s, true)),
        ("Time headway, up to 5 s", time_plot(&[&pictures.thw], "s", marks, &thw_limit, duration_s, true)),
        ("Acceleration", time_plot(&[&pictures.acceleration], "m/s²", marks, &decel_limit, duration_s, false)),
    ];
    for (title, plot) in plots {
        put(page, format_args!("<figure><figcaption>{title}</figcaption>{plot}</figure>"));
    }
    page.push_str("</div>");
}

fn end_words(outcome: &CaseOutcome) -> &'static str {
    use cloverleaf_simulator::RunEnd;
    match outcome.end {
        RunEnd::StopTrigger => "the storyboard's stop trigger",
        RunEnd::StoryComplete => "the end of the story",
        RunEnd::MaxDuration => "the longest duration allowed",
        RunEnd::EndOfRoad => "the end of the road",
    }
}

fn name_of(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Good => ("good", "as expected"),
        Status::Worse => ("worse", "worse than baseline"),
        Status::Wrong => ("wrong", "not as expected"),
        Status::Broken => ("broken", "could not run"),
    }
}

fn class_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "good",
        Outcome::Regressed => "wrong",
        Outcome::Broken => "broken",
    }
}

fn number(extreme: &Option<Extreme>) -> String {
    extreme.as_ref().map_or_else(|| "&ndash;".to_owned(), |extreme| format!("{:.2}", extreme.value))
}

/// An id for links: what is not a letter or digit becomes its code.
fn anchor(id: &str) -> String {
    id.chars().fold("case".to_owned(), |mut anchor, c| {
        if c.is_ascii_alphanumeric() {
            anchor.push(c)
        } else {
            put(&mut anchor, format_args!("-{:x}", u32::from(c)))
        }
        anchor
    })
}

/// Text as it may stand in HTML, in attributes too.
fn text(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// `2026-11-20 23:53` of a POSIX time, by Hinnant 2013, "chrono-compatible low-level date algorithms", `civil_from_days`.
fn utc(nanos: i64) -> String {
    let minutes = nanos.div_euclid(60_000_000_000);
    let (days, minute) = (minutes.div_euclid(1_440), minutes.rem_euclid(1_440));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * m + 2) / 5 + 1, if m < 10 { m + 3 } else { m - 9 });
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", minute / 60, minute % 60)
}

fn put(page: &mut String, arguments: std::fmt::Arguments<'_>) {
    page.push_str(&arguments.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(utc(0), "1970-01-01 00:00");
        assert_eq!(utc(951_827_696_000_000_000), "2000-02-29 12:34");
        assert_eq!(utc(1_795_219_200_000_000_000), "2026-11-21 00:00");
        assert_eq!(utc(-60_000_000_000), "1969-12-31 23:59");
    }

    #[test]
    fn nothing_from_a_file_becomes_markup() {
        assert_eq!(text("<script>\"a\" & 'b'"), "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;");
        assert_ne!(anchor("a/b"), anchor("a-b"));
    }
}

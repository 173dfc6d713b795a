//! What people see when a rule is wrong, and that hostile text is refused rather than harmful.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use cloverleaf_signals::vss::Catalogue;
use cloverleaf_triggers::{Expression, MAX_TEXT_BYTES, Rule, read_rules};
use cloverleaf_vocabulary::RuleId;
use proptest::prelude::*;

fn rule(text: &str) -> Result<Rule, String> {
    Rule::new(RuleId::new("r").unwrap(), text, Catalogue::standard()).map_err(|error| error.to_string())
}

#[test]
fn wrong_expressions_point_at_the_place() {
    let wrong = [
        "",
        "Vehicle.Speed >",
        "Vehicle.Speed > 3 4",
        "Vehicle.Speed = 3",
        "Vehicle.Speed > 3 & true",
        "(Vehicle.Speed > 3",
        "Vehicle.Sped > 3",
        "TimeGap < 1",
        "Vehicle.Speed > 3 &&\n  Vehicle.Nonsense",
        "Vehicle.Speed",
        "3 > 2",
        "Vehicle.Speed && true",
        "!Vehicle.Speed",
        "Vehicle.Speed > Vehicle.ADAS.Lead.RelativeSpeed",
        "Vehicle.ADAS.Lead.TimeGap + Vehicle.ADAS.Lead.Distance > 3",
        "Vehicle.ADAS.ActiveAutonomyLevel == 'SAE_9'",
        "Vehicle.Speed == 'fast'",
        "'a' == 'a' && Vehicle.IsMoving",
        "risin(Vehicle.IsMoving)",
        "rising(Vehicle.Speed)",
        "for(Vehicle.IsMoving)",
        "for(Vehicle.IsMoving, Vehicle.Speed)",
        "for(Vehicle.IsMoving, 5m)",
        "for(Vehicle.IsMoving, 5 km)",
        "for(Vehicle.IsMoving, 400s)",
        "for(Vehicle.IsMoving, duration('soon'))",
        "rate(Vehicle.Speed * 2.0) > 1",
        "age(Vehicle.Speed + 1) > 1s",
        "abs(Vehicle.Speed, 2) > 1",
        "Vehicle.Speed > 1e999",
        "Vehicle.Speed > 'open",
        "Vehicle.Speed in []",
        "Vehicle.Speed in 3",
        "Vehicle.Speed.startsWith('V')",
        "Vehicle.Speed > 3 § 4",
    ];
    let shown: Vec<String> = wrong.iter().map(|text| rule(text).map(|_| ()).unwrap_err()).collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn right_expressions_are_accepted() {
    let right = [
        "Vehicle.Speed > 3",
        "Vehicle.Speed / 3.6 > Vehicle.ADAS.Lead.RelativeSpeed",
        "for(Vehicle.IsMoving, 500ms) // a comment\n && for(Vehicle.IsMoving, 0.5) || for(Vehicle.IsMoving, duration(\"1.5s\"))",
        "rate(Vehicle.Speed) / 3.6 < -5.0",
        "rate(Vehicle.Chassis.SteeringWheel.Angle) > Vehicle.AngularVelocity.Yaw",
        "Vehicle.ADAS.ActiveAutonomyLevel == 'SAE_2' || Vehicle.ADAS.ActiveAutonomyLevel in ['SAE_3', \"SAE_4\"]",
        "Vehicle.ADAS.Lead.TimeGap < 800ms",
        "age(Vehicle.Speed) > 2s || !has(Vehicle.Speed)",
        "Vehicle.IsMoving == true ? Vehicle.Speed > .5 : changed(Vehicle.Powertrain.Transmission.CurrentGear)",
        "-Vehicle.Acceleration.Longitudinal > 5 && min(1, 2, Vehicle.Speed) % 2 == 0",
    ];
    for text in right {
        if let Err(error) = rule(text) {
            panic!("{text}\n{error}");
        }
    }
}

#[test]
fn wrong_files_name_file_line_and_rule() {
    let head = "[[rule]]\nid = \"a\"\ndescription = \"d\"\nsource = \"s\"\n";
    let good = "when = \"Vehicle.Speed > 3\"\n";
    let wrong = [
        "[[rule]]\nid = 3".to_owned(),
        format!("{head}{good}wen = 3"),
        format!("{head}when = \"Vehicle.Speed > km\""),
        format!("{head}when = \"\"\"\nVehicle.Speed > 3\n  && Vehicle.Moving\"\"\""),
        format!("{head}{good}pre_s = nan"),
        format!("{head}{good}pre_s = 50\npost_s = 20"),
        format!("{head}{good}for_s = -1"),
        format!("{head}{good}priority = 11"),
        format!("{head}{good}{head}{good}"),
        "[[rule]]\nid = \"../x\"\ndescription = \"d\"\nsource = \"s\"\nwhen = \"Vehicle.Speed > 3\"".to_owned(),
    ];
    let catalogue = Catalogue::standard();
    let shown: Vec<String> = wrong
        .iter()
        .map(|text| read_rules("fleet.toml", text, catalogue).map(|_| ()).unwrap_err().to_string())
        .collect();
    insta::assert_snapshot!(shown.join("\n\n"));
}

#[test]
fn costs_are_bounded_before_anything_runs() {
    let windows: Vec<String> = (1..61).map(|n| format!("window_max(Vehicle.Speed, {n}s)")).collect();
    let error = rule(&format!("max({}) > 3", windows.join(", "))).unwrap_err();
    assert!(error.contains("of state"), "{error}");
    let sums: Vec<String> = (0..300).map(|n| format!("{n}")).collect();
    let error = rule(&format!("Vehicle.Speed in [{}]", sums.join(","))).unwrap_err();
    assert!(error.contains("256 operations"), "{error}");
    let cost = rule("window_max(Vehicle.Speed, 2s) > 1 && window_min(Vehicle.Speed, 2s) < 0").unwrap().cost();
    assert!(cost.operations <= 9 && cost.state_bytes < 4096, "equal windows are kept once: {cost:?}");
}

#[test]
fn deep_and_long_texts_are_refused() {
    let deep = 4000;
    let texts = [
        "(".repeat(deep),
        "!".repeat(deep),
        "-".repeat(deep),
        "abs(".repeat(deep / 2),
        "[".repeat(deep),
        "true ? ".repeat(deep / 4),
        format!("{}1 > 0", "1 + ".repeat(1500)),
        format!("true{}", " && true".repeat(900)),
        "//\n".repeat(2700),
        "x".repeat(MAX_TEXT_BYTES + 1),
    ];
    for text in texts {
        assert!(Expression::parse(&text, Catalogue::standard()).is_err(), "{}", &text[..20]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_an_expression_or_an_error_that_can_be_shown(text in "\\PC{0,60}") {
        if let Err(error) = Expression::parse(&text, Catalogue::standard()) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn any_sequence_of_words_is_too(words in prop::collection::vec(prop::sample::select(vec![
        "Vehicle.Speed", "Vehicle.IsMoving", "(", ")", "[", "]", ",", "?", ":", "&&", "||", "!", "-", "+", "*", "/", "%", "<", "==",
        "in", "for", "rate", "window_max", "min", "age", "has", "changed", "1", "0.5s", "'é'", "r'\\'", "true", ".", "\n", "é", "//",
    ]), 0..30)) {
        let text = words.join(" ");
        match rule(&text) {
            Ok(rule) => prop_assert!(rule.cost().operations > 0),
            Err(error) => prop_assert!(!error.is_empty()),
        }
    }
}

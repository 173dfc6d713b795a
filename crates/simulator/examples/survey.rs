//! Runs scenario files and prints one line each.
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use cloverleaf_judgement::Criteria;
use cloverleaf_road::Network;
use cloverleaf_scenario::{Folder, read};
use cloverleaf_simulator::{RunOptions, driver_by_name, run};

fn main() {
    let driver = std::env::var("DRIVER").unwrap_or("highway-pilot".into());
    for file in std::env::args().skip(1) {
        let path = Path::new(&file);
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(path).unwrap();
        let dir = &path.parent().unwrap().canonicalize().unwrap();
        let reading = match read(&name, &text, &BTreeMap::new(), &Folder::new(dir)) {
            Ok(reading) => reading,
            Err(e) => { println!("{name}: READ {}", e.to_string().chars().take(400).collect::<String>()); continue; }
        };
        let scenario = reading.scenario;
        let Some(road) = scenario.road_file.clone() else { println!("{name}: no road"); continue };
        let road_path = dir.join(&road);
        let network = match std::fs::read_to_string(&road_path) {
            Ok(text) => Network::parse(&road, &text).unwrap(),
            Err(e) => { println!("{name}: road {road}: {e}"); continue; }
        };
        let network = Arc::new(network);
        let started = std::time::Instant::now();
        match run(Arc::new(scenario), network.clone(), driver_by_name(&driver).unwrap(), RunOptions::default()) {
            Err(e) => println!("{name}: REFUSED {e}"),
            Ok(run) => {
                let took = started.elapsed().as_secs_f64();
                let verdict = run.judge(&network, &Criteria::default());
                println!("{name}: {:?} {:.2} s in {took:.2} s, {} actors, {} events, {}", run.end, run.duration_s, run.traces.len(), run.events.len(), run.subject);
                match verdict {
                    Err(e) => println!("    judge: {e}"),
                    Ok(v) => {
                        println!("    passed {} dist {:.0} ttc {:?} thw {:?} gap {:?} decel {:?} judged in {:.2}", v.passed, v.summary.distance_m, v.summary.min_ttc_s.map(|e| (e.value, e.at_s)), v.summary.min_thw_s.map(|e| e.value), v.summary.min_gap_m.map(|e| e.value), v.summary.max_decel_mps2.map(|e| e.value), started.elapsed().as_secs_f64() - took);
                        for f in v.findings { println!("      {f}"); }
                    }
                }
                for note in run.notes { println!("    note {note}"); }
                if std::env::var("EVENTS").is_ok() { for e in run.events { println!("    {:.2} {} {} {:?}", e.t_s, e.kind, e.path, e.transition); } }
                if std::env::var("TRACE").is_ok() { for t in &run.traces { for s in t.states.iter().step_by(20) { println!("    {} {:.1} x {:.2} y {:.2} yaw {:.3} v {:.2} a {:.2}", t.name, s.t_s, s.x_m, s.y_m, s.yaw_rad, s.speed_mps, s.accel_mps2); } } }
            }
        }
    }
}

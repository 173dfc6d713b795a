//! Equal inputs give equal bits, however the work is cut up and spread.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod world;

use std::sync::Arc;

use cloverleaf_road::Network;
use cloverleaf_scenario::Scenario;
use cloverleaf_simulator::{RunOptions, Simulation, driver_by_name};
use rayon::prelude::*;
use world::{drive, load, workspace};

fn dense_traffic() -> (Arc<Scenario>, Arc<Network>) {
    load(&workspace().join("scenarios/motorway/dense-traffic.xosc")).unwrap()
}

fn options(seed: u64) -> RunOptions {
    RunOptions { seed, max_duration_s: 30.0, ..RunOptions::default() }
}

#[test]
fn again_is_the_same_and_another_seed_is_not() {
    let (scenario, network) = dense_traffic();
    let digest = |seed| drive(&scenario, &network, options(seed)).unwrap().digest;
    assert_eq!(digest(1), digest(1));
    assert_ne!(digest(1), digest(2));
}

#[test]
fn steps_may_be_taken_in_any_portions() {
    let (scenario, network) = dense_traffic();
    let whole = drive(&scenario, &network, options(7)).unwrap();
    for portion in [1, 7, 1_000] {
        let driver = driver_by_name("highway-pilot").unwrap();
        let mut simulation = Simulation::new(scenario.clone(), network.clone(), driver, options(7)).unwrap();
        while simulation.advance(portion) {}
        assert_eq!(simulation.finish(), whole, "portions of {portion}");
    }
}

#[test]
fn threads_change_nothing() {
    let (scenario, network) = dense_traffic();
    let all = |threads| -> Vec<String> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            (0..6u64).into_par_iter().map(|seed| drive(&scenario, &network, options(seed)).unwrap().digest).collect()
        })
    };
    let one = all(1);
    for threads in [2, 8] {
        assert_eq!(all(threads), one, "{threads} threads");
    }
}

//! Parameter value distributions: one logical scenario as many concrete ones.

use std::collections::BTreeMap;

use roxmltree::Node;

use crate::context::{Context, all, elements, first, name_of_element};
use crate::diagnostic::ScenarioError;
use crate::read::{check, fail, parse};

/// A deterministic distribution: the product of its dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// The scenario whose parameters are varied, relative to the distribution's own file.
    pub scenario_file: String,
    /// Independent dimensions, the first varying slowest.
    pub dimensions: Vec<Dimension>,
}

/// Values that belong together: each an assignment of one or more parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Dimension {
    /// Alternatives, at least one.
    pub values: Vec<BTreeMap<String, String>>,
}

/// One dimension of a range holds no more values.
const MAX_VALUES: f64 = 1_000_000.0;

impl Distribution {
    /// Reads a `ParameterValueDistribution` file. Stochastic and user-defined distributions are refused by name.
    pub fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let document = parse(name, text)?;
        let root = document.root_element();
        check(name, root)?;
        let Some(node) = first(root, "ParameterValueDistribution") else {
            return Err(fail(
                name,
                1,
                "there is no ParameterValueDistribution".to_owned(),
                "expected a distribution file",
            ));
        };
        let mut cx = Context { file: name.to_owned(), ..Context::default() };
        let scenario_file = cx.child(node, "ScenarioFile").map(|n| cx.text(n, "filepath")).unwrap_or_default();
        let mut dimensions = Vec::new();
        if let Some(stochastic) = first(node, "Stochastic") {
            cx.error(stochastic, "Stochastic distributions are not supported", "expected Deterministic");
        }
        for distribution in first(node, "Deterministic").into_iter().flat_map(elements) {
            dimensions.extend(read_dimension(&mut cx, distribution));
        }
        if cx.errors.is_empty() {
            Ok(Self { scenario_file, dimensions })
        } else {
            Err(ScenarioError { diagnostics: cx.errors })
        }
    }

    /// How many cases there are. Combinations that break a parameter's constraints count: reading the scenario with
    /// them is an error, which tells them apart.
    pub fn count(&self) -> u64 {
        self.dimensions.iter().fold(1, |count: u64, dimension| count.saturating_mul(dimension.values.len() as u64))
    }

    /// The parameters of one case, 0 to [`count`](Self::count); `None` beyond.
    pub fn case(&self, index: u64) -> Option<BTreeMap<String, String>> {
        if index >= self.count() {
            return None;
        }
        let mut out = BTreeMap::new();
        let mut rest = index;
        for dimension in self.dimensions.iter().rev() {
            let size = dimension.values.len() as u64;
            out.extend(dimension.values.get((rest % size) as usize)?.clone());
            rest /= size;
        }
        Some(out)
    }
}

fn read_dimension(cx: &mut Context<'_>, node: Node<'_, '_>) -> Option<Dimension> {
    let inside = cx.choice(node)?;
    let parameter = node.attribute("parameterName").unwrap_or_default().to_owned();
    let one = |value: String| BTreeMap::from([(parameter.clone(), value)]);
    let values: Vec<BTreeMap<String, String>> = match name_of_element(inside) {
        "DistributionSet" => all(inside, "Element").map(|element| one(cx.text(element, "value"))).collect(),
        "DistributionRange" => {
            let range = cx.child(inside, "Range")?;
            let (low, high) = (cx.number(range, "lowerLimit"), cx.number(range, "upperLimit"));
            let step = cx.number(inside, "stepWidth");
            // A limit that is a whole number of steps away is in, whatever rounding says.
            let steps = ((high - low) / step + 1e-9).floor();
            if !(step > 0.0 && (0.0..MAX_VALUES).contains(&steps)) {
                cx.error(
                    inside,
                    format!("a range from {low} to {high} in steps of {step}"),
                    format!("expected a positive step, a lower limit not above the upper, at most {MAX_VALUES} values"),
                );
                return None;
            }
            // Nine decimals hide the rounding of the sum.
            (0..=steps as u64).map(|i| one((((low + step * i as f64) * 1e9).round() / 1e9).to_string())).collect()
        }
        "ValueSetDistribution" => all(inside, "ParameterValueSet")
            .map(|set| {
                all(set, "ParameterAssignment")
                    .map(|a| (a.attribute("parameterRef").unwrap_or_default().to_owned(), cx.value(a)))
                    .collect()
            })
            .collect(),
        other => {
            let message = format!("{other} is not supported");
            cx.error(inside, message, "expected DistributionSet, DistributionRange or ValueSetDistribution");
            return None;
        }
    };
    if values.is_empty() {
        cx.error(inside, "a distribution without a value", "expected at least one");
        return None;
    }
    Some(Dimension { values })
}

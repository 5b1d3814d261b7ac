//! SARIF, GraphML and OpenGraph: each held against what the tools that read it take.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Folder, linchpin, text};

/// What a scan writes in all further forms.
fn written(input: &str) -> (tempfile::TempDir, PathBuf) {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().join("out");
    let arguments = ["scan", input, "--quiet", "--out", folder.to_str().unwrap()];
    let also = [
        "--also",
        "sarif",
        "--also",
        "graphml",
        "--also",
        "opengraph",
    ];
    linchpin(&[&arguments[..], &also].concat()).success();
    (out, folder)
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// Names with everything in them that a format could take for its own.
fn hostile() -> Folder {
    Folder::new(&[
        (
            "identities.csv",
            "id,name\n\"a<b>&\"\"'{0}[x](y)\u{1b}]]>\",\nadm|%41,\n",
        ),
        (
            "recoveries.csv",
            "source,target,method\n\"identity:a<b>&\"\"'{0}[x](y)\u{1b}]]>\",adm|%41,help_desk\n",
        ),
        ("systems.csv", "id,criticality\nidp,0\n"),
        ("grants.csv", "principal,system\nadm|%41,idp\n"),
    ])
}

/// The schema of SARIF 2.1.0 as OASIS publishes it, out of the package that carries it.
fn sarif_schema() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    // What other systems need is not on this machine, and asking for it would fail.
    let version = Command::new(&cargo).arg("-vV").output().unwrap().stdout;
    let version = String::from_utf8(version).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(["--filter-platform", host.unwrap()])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages
        .iter()
        .find(|package| package["name"] == "serde-sarif");
    let manifest = PathBuf::from(text(&package.unwrap()["manifest_path"]));
    let schema =
        std::fs::read_to_string(manifest.parent().unwrap().join("src/schema.json")).unwrap();
    let mut schema: Value = serde_json::from_str(&schema).unwrap();
    // The published pattern of a property that nothing here writes has a bracket too many, and is no
    // regular expression.
    for of in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][of]["properties"]["language"];
        let pattern = language.as_object_mut().unwrap().remove("pattern");
        assert!(pattern.is_some());
    }
    schema
}

#[test]
fn sarif_is_what_its_schema_says() {
    let schema = sarif_schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let hostile = hostile();
    for input in ["data/harbour", hostile.str()] {
        let (_keep, folder) = written(input);
        let document: Value = serde_json::from_str(&read(&folder, "findings.sarif")).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let run = &document["runs"][0];
        let results = run["results"].as_array().unwrap();
        assert!(!results.is_empty());
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let rules: BTreeSet<String> = rules.iter().map(|rule| text(&rule["id"])).collect();
        let mut prints = BTreeSet::new();
        for result in results {
            assert!(rules.contains(&text(&result["ruleId"])), "{result}");
            let print = text(&result["partialFingerprints"]["linchpinRows/v1"]);
            assert!(
                prints.insert((text(&result["ruleId"]), print)),
                "two alike: {result}"
            );
        }
    }
    // A document that breaks the schema is found out.
    let wrong = serde_json::json!({ "version": "2.1.0", "runs": [{ "results": [] }] });
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn a_result_points_at_the_row_and_tells_the_chain() {
    let (_keep, folder) = written("data/harbour");
    let document: Value = serde_json::from_str(&read(&folder, "findings.sarif")).unwrap();
    let results = document["runs"][0]["results"].as_array().unwrap();
    let lindqvist = results
        .iter()
        .find(|result| text(&result["message"]["text"]).contains("`d.lindqvist`"))
        .unwrap();
    assert_eq!(lindqvist["ruleId"], "unlocks-critical");
    let place = &lindqvist["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "identities.csv");
    let line = place["region"]["startLine"].as_u64().unwrap() as usize;
    let rows = std::fs::read_to_string("data/harbour/identities.csv").unwrap();
    assert!(
        rows.lines()
            .nth(line - 1)
            .unwrap()
            .starts_with("d.lindqvist,")
    );
    let steps = &lindqvist["codeFlows"][0]["threadFlows"][0]["locations"];
    let last = steps.as_array().unwrap().last().unwrap();
    assert!(text(&last["location"]["message"]["text"]).contains("system:"));
}

#[test]
fn fingerprints_do_not_depend_on_lines() {
    let prints = |identities: &str| {
        let folder = Folder::new(&[
            ("identities.csv", identities),
            ("systems.csv", "id,criticality\nidp,0\n"),
            ("grants.csv", "principal,system\nadm,idp\n"),
        ]);
        let (_keep, out) = written(folder.str());
        let document: Value = serde_json::from_str(&read(&out, "findings.sarif")).unwrap();
        text(&document["runs"][0]["results"][0]["partialFingerprints"]["linchpinRows/v1"])
    };
    assert_eq!(prints("id\nadm\n"), prints("name,id\nx,zed\nAdmin,ADM\n"));
}

#[test]
fn graphml_can_be_read_whatever_the_names() {
    let hostile = hostile();
    for input in ["data/harbour", hostile.str()] {
        let (_keep, folder) = written(input);
        let xml = read(&folder, "graph.graphml");
        let document = roxmltree::Document::parse(&xml).unwrap();
        let all = |name: &str| -> Vec<roxmltree::Node<'_, '_>> {
            let nodes = document.descendants();
            nodes
                .filter(|node| node.tag_name().name() == name)
                .collect()
        };
        let namespace = document.root_element().tag_name().namespace();
        assert_eq!(namespace, Some("http://graphml.graphdrawing.org/xmlns"));
        let ids: BTreeSet<_> = all("node")
            .iter()
            .map(|node| node.attribute("id").unwrap())
            .collect();
        assert_eq!(ids.len(), all("node").len());
        assert!(!all("edge").is_empty());
        for edge in all("edge") {
            for end in ["source", "target"] {
                assert!(ids.contains(edge.attribute(end).unwrap()));
            }
        }
        let keys: BTreeSet<_> = all("key")
            .iter()
            .map(|key| key.attribute("id").unwrap())
            .collect();
        for datum in all("data") {
            assert!(keys.contains(datum.attribute("key").unwrap()));
        }
    }
}

/// The schemas of BloodHound's ingest, where the samples are beside the project.
fn opengraph_schemas() -> Option<[Value; 2]> {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples/opengraph");
    let schema = |name: &str| {
        let text = std::fs::read_to_string(samples.join(name)).ok()?;
        serde_json::from_str(&text).ok()
    };
    Some([
        schema("opengraph-node.json")?,
        schema("opengraph-edge.json")?,
    ])
}

#[test]
fn opengraph_is_what_bloodhound_takes() {
    let hostile = hostile();
    for input in ["data/harbour", hostile.str()] {
        let (_keep, folder) = written(input);
        let document: Value =
            serde_json::from_str(&read(&folder, "linchpin.opengraph.json")).unwrap();
        let nodes = document["graph"]["nodes"].as_array().unwrap();
        let edges = document["graph"]["edges"].as_array().unwrap();
        // What the schemas say, in our words.
        let ids: BTreeSet<&str> = nodes
            .iter()
            .map(|node| node["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), nodes.len());
        let is_plain = |properties: &Value| {
            let properties = properties.as_object().unwrap();
            !properties.contains_key("objectid")
                && properties.values().all(|value| match value {
                    Value::Array(items) => items.iter().all(Value::is_string),
                    value => value.is_string() || value.is_number() || value.is_boolean(),
                })
        };
        for node in nodes {
            let kinds = node["kinds"].as_array().unwrap();
            assert!(
                (1..=3).contains(&kinds.len()) && is_plain(&node["properties"]),
                "{node}"
            );
        }
        for edge in edges {
            let kind = text(&edge["kind"]);
            assert!(
                kind.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
                "{kind}"
            );
            assert!(is_plain(&edge["properties"]), "{edge}");
            for end in ["start", "end"] {
                assert_eq!(edge[end]["match_by"], "id");
                assert!(ids.contains(edge[end]["value"].as_str().unwrap()), "{edge}");
            }
        }
        // And the schemas themselves.
        match opengraph_schemas() {
            Some([node, edge]) => {
                for (schema, items) in [(node, nodes), (edge, edges)] {
                    let validator = jsonschema::validator_for(&schema).unwrap();
                    for item in items {
                        let errors: Vec<String> = validator
                            .iter_errors(item)
                            .map(|error| error.to_string())
                            .collect();
                        assert!(errors.is_empty(), "{item}: {errors:?}");
                    }
                }
            }
            None => eprintln!("the published schemas are not beside the project: not compared"),
        }
        // It lies beside tables and is none of them.
        let again = linchpin(&["check", input, folder.to_str().unwrap()]).success();
        let said = String::from_utf8_lossy(&again.get_output().stdout).into_owned();
        assert!(!said.contains("opengraph"), "{said}");
    }
}

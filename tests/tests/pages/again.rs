//! What the pages promise their readers: anyone makes them again, byte for byte, from the bundle and the policy.

use std::collections::BTreeMap;
use std::path::Path;

use projector::feed::BundleFeed;
use projector::output;
use projector::projection::{When, project};
use schemas::policy::Policy;
use verifier::bundle::{NoVisitor, check};
use verifier::files::Folder;

use crate::velmora::velmora;

fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn whoever_has_the_bundle_makes_the_same_pages() {
    let velmora = velmora();
    let places = &velmora.places;
    let policy = Policy::parse(&std::fs::read_to_string(places.policy()).unwrap()).unwrap();

    // No openings here: what the public reads rests on none.
    let mut bundle = Folder::new(&places.bundle());
    let mut feed = BundleFeed { source: &mut bundle, openings: None, policy: &policy };
    let projection = project(&mut feed, When::Profile, &mut |_, _| ()).unwrap();
    let again = places.out.join("again");
    output::public_site(&projection, &again).unwrap();
    let (first, second) = (files(&places.site()), files(&again));
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (name, bytes) in &first {
        assert!(bytes == &second[name], "{name} differs");
    }

    // What the page tells the reader to compare is what the verifier prints.
    let head = check(&mut bundle, &policy, None, &mut NoVisitor).head.unwrap();
    let page = std::str::from_utf8(&first["index.html"]).unwrap();
    let shown = page.split("<code class=\"hash\">").nth(1).unwrap().split("</code>").next().unwrap();
    let shown: String = shown.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
    let root = head.checkpoint.root.to_base64();
    assert!(root.starts_with(shown.trim_end_matches('\u{2026}')), "{shown} is not the beginning of {root}");
}

//! The golden country is what it says it is.

use tests::forge::Forge;
use tests::world::World;

#[test]
fn the_golden_bundle_holds() {
    let world = World::golden();
    let report = world.check_open(&world.bundle, &world.openings);
    assert_eq!(report.faults, []);
    assert_eq!(report.exit_code(), 0);
    for path in world.bundle.names() {
        println!("{:>8} {path}", world.bundle.get(&path).len());
    }
    let forge = Forge::of(&world);
    println!("{} entries", forge.records.len());
    let built = forge.build();
    for path in world.bundle.names() {
        if !path.starts_with("checkpoints") && path != "manifest" {
            assert_eq!(built.bundle.get(&path), world.bundle.get(&path), "{path}");
        }
    }
    assert_eq!(built.openings.get("000"), world.openings.get("000"));
    assert_eq!(world.check_open(&built.bundle, &built.openings).exit_code(), 0);
}

//! scratch
use tests::world::World;
use std::time::Instant;
#[test]
fn speed() {
    let world = World::golden();
    for path in world.bundle.names() {
        let mut b = world.bundle.clone();
        let t = Instant::now();
        let n = 200;
        let bits = b.get(&path).len() * 8;
        for i in 0..n {
            let bit = i * (bits / n).max(1) % bits;
            b.flip(&path, bit);
            let r = verifier::bundle::check(&mut b, &world.policy, None, &mut verifier::bundle::NoVisitor);
            assert_ne!(r.exit_code(), 0);
            b.flip(&path, bit);
        }
        println!("{path} {:?}", t.elapsed() / n as u32);
    }
    let t = Instant::now();
    for _ in 0..100 { world.check(&world.bundle); }
    println!("full {:?}", t.elapsed() / 100);
}

//! Hostile libraries against a victim with a secret, from `attacks.json`. Each is shown to succeed
//! where the defence it meets is left out, or its failure would mean nothing.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Arena, SECRET};

#[derive(Deserialize)]
struct Attack {
    name: String,
    /// The defence without which it succeeds.
    without: String,
    library: String,
    victim: String,
    #[serde(rename = "type", default = "js")]
    kind: String,
}

fn js() -> String {
    "js".to_string()
}

fn attacks() -> Vec<Attack> {
    serde_json::from_str(include_str!("attacks.json")).expect("the list of attacks is JSON")
}

impl Attack {
    /// What the library knows in the end. Beside it there are a further library, one of the
    /// platform, and three files of the victim's own.
    async fn loot(&self, arena: &Arena) -> Value {
        let peek = "import { env } from 'town:kernel'; export const peek = () => env.SECRET;";
        let own = "export const secret = Deno.env.get('SECRET');
            export const settings = { send() {} };";
        let hidden = format!("export const secret = '{SECRET}';");
        let modules = json!({
            "main": { "type": "ts", "source": self.victim, "trusted": true },
            "lib": { "type": self.kind, "source": self.library },
            "other": { "type": "js", "source": peek },
            "std": { "type": "js", "source": peek, "trusted": true },
            "own": { "type": "js", "source": own, "trusted": true },
            "note": { "type": "text", "source": SECRET, "trusted": true, "private": true },
            "hidden": { "type": "js", "source": hidden, "trusted": true, "private": true },
        });
        arena.run(modules).await
    }
}

#[tokio::test]
async fn no_attack_reaches_a_secret() {
    let arena = Arena::start().await;
    for attack in attacks() {
        let loot = attack.loot(&arena).await;
        assert_eq!(loot, Value::Null, "{}", attack.name);
    }
}

#[tokio::test]
async fn every_attack_succeeds_without_the_defence_it_meets() {
    for defence in ["hardening", "authority"] {
        let arena = Arena::without(defence).await;
        for attack in attacks().iter().filter(|attack| attack.without == defence) {
            let loot = attack.loot(&arena).await;
            assert_eq!(loot, json!(SECRET), "{} without {defence}", attack.name);
        }
    }
}

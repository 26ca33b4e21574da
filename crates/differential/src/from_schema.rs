//! Parts of objects that are made from their types and not from parts of others: what no manifest at hand has, such as a
//! field that only Windows knows. Fields and literals that the rule speaks of come up more often.

use super::{
    corpus::{self, Pool},
    dictionary::{Words, as_key},
    json_path::{self, Place, Step},
    rng::Random,
};
use kubevet_k8s::schema::{Field, Schema, Type, TypeId};
use kubevet_model::Kind;
use serde_json::{Map, Value, json};

/// Beyond it, structs have their required fields alone.
const DEPTH: usize = 5;
/// Beyond it, everything is empty: types may hold themselves.
const DEEPEST: usize = 12;
const QUANTITIES: [&str; 12] = [
    "0", "1", "100m", "0.5", "1e3", "64Mi", "1Gi", "2G", "1n", "1000u", "0m", "1.5Ki",
];

/// What types are filled from.
pub(super) struct Filler<'a> {
    pub(super) pool: &'a Pool,
    pub(super) words: &'a Words,
}

impl Filler<'_> {
    /// An object of a kind; `None` where the kind is not built in.
    pub(super) fn object(&self, kind: &Kind, random: &mut Random) -> Option<Value> {
        let info = Schema::embedded().kind(kind)?;
        let mut object = Map::new();
        let version = if info.group.is_empty() {
            info.version.to_owned()
        } else {
            format!("{}/{}", info.group, info.version)
        };
        object.insert("apiVersion".to_owned(), version.into());
        object.insert("kind".to_owned(), info.name.into());
        object.insert("metadata".to_owned(), json!({"name": "shop"}));
        for field in Schema::embedded().fields(info.root) {
            if !matches!(field.name, "apiVersion" | "kind" | "metadata" | "status")
                && random.chance(90)
            {
                object.insert(field.name.to_owned(), self.field(field, 0, random));
            }
        }
        Some(object.into())
    }

    /// Sets one field of an object anew, by its type.
    pub(super) fn grow(&self, object: &mut Value, random: &mut Random) {
        let structs = structs(object);
        let Some((place, of)) = random.pick(&structs).cloned() else {
            return;
        };
        let at_root = place.is_empty();
        let fields: Vec<&Field> = Schema::embedded()
            .fields(of)
            .filter(|it| {
                it.until.is_none()
                    && !(at_root && matches!(it.name, "apiVersion" | "kind" | "status"))
            })
            .collect();
        let read: Vec<&Field> = fields
            .iter()
            .copied()
            .filter(|it| self.words.fields.contains(it.name))
            .collect();
        let chosen = if random.chance(80) && !read.is_empty() {
            random.pick(&read)
        } else {
            random.pick(&fields)
        };
        let Some(field) = chosen else { return };
        let value = self.field(field, place.len(), random);
        if let Some(Value::Object(map)) = json_path::at_mut(object, &place) {
            map.insert(field.name.to_owned(), value);
        }
    }

    fn field(&self, field: &Field, depth: usize, random: &mut Random) -> Value {
        let allowed: Vec<&str> = field.values().collect();
        let one = random.pick(&allowed).filter(|_| random.chance(90));
        match (field.ty, one) {
            (Type::String, Some(one)) => (*one).into(),
            (Type::List(_), Some(one)) => json!([one]),
            _ => self.value(field.ty, field.name, depth, random),
        }
    }

    fn value(&self, ty: Type, key: &str, depth: usize, random: &mut Random) -> Value {
        let few = if depth > DEPTH { 1 } else { 3 };
        match ty {
            Type::String => self.text(key, random).into(),
            Type::Bool => random.chance(50).into(),
            Type::Int32 | Type::Int64 => {
                let number = random.pick(&self.words.numbers).copied().unwrap_or(1);
                let near = number.clamp(-1, i64::from(i32::MAX) - 1)
                    + if random.chance(40) { 1 } else { 0 };
                random
                    .pick(&[near, 0, 1, 80, 1000])
                    .copied()
                    .unwrap_or_default()
                    .into()
            }
            Type::Number => json!(0.5),
            Type::Quantity => match random.below(10) {
                0 => json!(1),
                1 => json!(0),
                _ => random.pick(&QUANTITIES).copied().unwrap_or_default().into(),
            },
            Type::IntOrString => {
                if random.chance(50) {
                    json!(80)
                } else {
                    json!("http")
                }
            }
            Type::Time => json!("2026-01-02T03:04:05Z"),
            Type::Bytes => json!("TFMwdExTMUNSVWRKVGk="),
            Type::Any => json!({}),
            Type::List(_) | Type::Map(_) if depth > DEEPEST => {
                if matches!(ty, Type::List(_)) {
                    json!([])
                } else {
                    json!({})
                }
            }
            Type::List(inner) => {
                let inner = Schema::embedded().resolve(inner);
                (0..random.below(few) + usize::from(random.chance(60)))
                    .map(|_| self.value(inner, key, depth + 1, random))
                    .collect()
            }
            Type::Map(inner) => {
                let inner = Schema::embedded().resolve(inner);
                let mut map = Map::new();
                for _ in 0..random.below(few) {
                    map.insert(
                        self.key(key, random),
                        self.value(inner, key, depth + 1, random),
                    );
                }
                map.into()
            }
            Type::Struct(of) => self.fill(of, depth + 1, random),
        }
    }

    fn fill(&self, of: TypeId, depth: usize, random: &mut Random) -> Value {
        let mut map = Map::new();
        for field in Schema::embedded()
            .fields(of)
            .filter(|it| it.until.is_none())
        {
            let read = self.words.fields.contains(field.name);
            let percent = match (field.required, read) {
                (true, _) if depth > DEEPEST => 0,
                (true, _) => 95,
                (false, _) if depth > DEPTH + 3 => 0,
                (false, true) => 45,
                (false, false) if depth > DEPTH => 0,
                (false, false) => 4,
            };
            if random.chance(percent) {
                map.insert(field.name.to_owned(), self.field(field, depth, random));
            }
        }
        map.into()
    }

    /// What such a field holds elsewhere, or a literal of the rule.
    fn text(&self, key: &str, random: &mut Random) -> String {
        let known = |random: &mut Random| random.pick(self.pool.texts(key)).cloned();
        let literal = |random: &mut Random| random.pick(&self.words.texts).cloned();
        let text = if random.chance(55) {
            known(random).or_else(|| literal(random))
        } else {
            literal(random)
        };
        text.unwrap_or_else(|| "shop".to_owned())
    }

    /// A key of a map, such as `cpu` of limits.
    fn key(&self, map: &str, random: &mut Random) -> String {
        let known: Vec<&String> = self
            .pool
            .children(map)
            .into_iter()
            .flat_map(|it| it.keys())
            .collect();
        match random.pick(&known).filter(|_| random.chance(75)) {
            Some(key) => (*key).clone(),
            None => random
                .pick(&self.words.texts)
                .map_or_else(|| "shop".to_owned(), |it| as_key(it)),
        }
    }
}

/// Where an object has values that should be structs, and of which type.
pub(super) fn structs(object: &Value) -> Vec<(Place, TypeId)> {
    let Some(info) = Schema::embedded().kind(&corpus::kind_of(object)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut todo: Vec<(Place, Type, &Value)> = vec![(Vec::new(), Type::Struct(info.root), object)];
    while let Some((place, ty, value)) = todo.pop() {
        let with = |step: Step| place.iter().cloned().chain([step]).collect::<Place>();
        match (ty, value) {
            (Type::Struct(of), Value::Object(fields)) => {
                for (key, it) in fields {
                    if let Some(field) = Schema::embedded().field(of, key) {
                        todo.push((with(Step::Key(key.clone())), field.ty, it));
                    }
                }
                found.push((place, of));
            }
            (Type::List(inner), Value::Array(items)) => {
                let inner = Schema::embedded().resolve(inner);
                todo.extend(
                    items
                        .iter()
                        .enumerate()
                        .map(|(at, it)| (with(Step::Index(at)), inner, it)),
                );
            }
            (Type::Map(inner), Value::Object(fields)) => {
                let inner = Schema::embedded().resolve(inner);
                todo.extend(
                    fields
                        .iter()
                        .map(|(key, it)| (with(Step::Key(key.clone())), inner, it)),
                );
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::{
        super::{corpus::Pool, dictionary::Words, rng::Random},
        Filler, structs,
    };
    use kubevet_model::Kind;

    #[test]
    fn objects_have_the_fields_of_their_types() {
        let (pool, mut words) = (Pool::default(), Words::default());
        words.fields.extend(
            [
                "containers",
                "securityContext",
                "windowsOptions",
                "hostProcess",
            ]
            .map(str::to_owned),
        );
        let filler = Filler {
            pool: &pool,
            words: &words,
        };
        let mut random = Random::new(1);
        let mut met = false;
        for _ in 0..200 {
            let mut object = filler
                .object(&Kind::new("apps", "Deployment"), &mut random)
                .unwrap();
            filler.grow(&mut object, &mut random);
            assert!(structs(&object).len() > 1, "{object}");
            met |= object.to_string().contains("hostProcess");
        }
        assert!(met);
        assert!(
            filler
                .object(&Kind::new("example.com", "Shop"), &mut random)
                .is_none()
        );
    }
}

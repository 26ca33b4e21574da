//! Objects and parts of them generated from Kubernetes' types, for what no manifest of the corpus has,
//! such as a field for Windows only. Fields and literals of the rule's dictionary are preferred.

use super::{
    corpus::{self, Corpus},
    dictionary::{Dictionary, to_map_key},
    json_path::{self, JsonPath, PathStep},
    rng::Rng,
};
use kubevet_k8s::schema::{Field, Schema, Type, TypeId};
use kubevet_model::Kind;
use serde_json::{Map, Value, json};

/// Below this depth, structs have their required fields and few others.
const MAX_OPTIONAL_DEPTH: usize = 5;
/// Below this depth, everything is empty: types may contain themselves.
const MAX_DEPTH: usize = 12;
const QUANTITIES: [&str; 12] = [
    "0", "1", "100m", "0.5", "1e3", "64Mi", "1Gi", "2G", "1n", "1000u", "0m", "1.5Ki",
];

/// A generator of values by their types.
pub(super) struct SchemaGenerator<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) dictionary: &'a Dictionary,
}

impl SchemaGenerator<'_> {
    /// Generates an object of a kind; `None` if the kind is not built in.
    pub(super) fn object(&self, kind: &Kind, rng: &mut Rng) -> Option<Value> {
        let info = Schema::embedded().kind(kind)?;
        let mut object = Map::new();
        object.insert("apiVersion".to_owned(), info.api_version().into());
        object.insert("kind".to_owned(), info.name.into());
        object.insert("metadata".to_owned(), json!({"name": "shop"}));
        for field in Schema::embedded().fields(info.root) {
            if !matches!(field.name, "apiVersion" | "kind" | "metadata" | "status")
                && rng.chance(90)
            {
                object.insert(field.name.to_owned(), self.field_value(field, 0, rng));
            }
        }
        Some(object.into())
    }

    /// Sets one field of an object to a new value of its type.
    pub(super) fn set_random_field(&self, object: &mut Value, rng: &mut Rng) {
        let structs = typed_structs(object);
        let Some((path, type_id)) = rng.pick(&structs).cloned() else {
            return;
        };
        let is_root = path.is_empty();
        let fields: Vec<&Field> = Schema::embedded()
            .fields(type_id)
            .filter(|field| {
                field.until.is_none()
                    && !(is_root && matches!(field.name, "apiVersion" | "kind" | "status"))
            })
            .collect();
        let read: Vec<&Field> = fields
            .iter()
            .copied()
            .filter(|field| self.dictionary.fields.contains(field.name))
            .collect();
        let chosen = if rng.chance(80) && !read.is_empty() {
            rng.pick(&read)
        } else {
            rng.pick(&fields)
        };
        let Some(field) = chosen else { return };
        let value = self.field_value(field, path.len(), rng);
        if let Some(Value::Object(map)) = json_path::get_mut(object, &path) {
            map.insert(field.name.to_owned(), value);
        }
    }

    fn field_value(&self, field: &Field, depth: usize, rng: &mut Rng) -> Value {
        let allowed: Vec<&str> = field.values().collect();
        let allowed = rng.pick(&allowed).filter(|_| rng.chance(90));
        match (field.ty, allowed) {
            (Type::String, Some(value)) => (*value).into(),
            (Type::List(_), Some(value)) => json!([value]),
            _ => self.value(field.ty, field.name, depth, rng),
        }
    }

    /// Generates a value of a type for the field or list `key`.
    fn value(&self, ty: Type, key: &str, depth: usize, rng: &mut Rng) -> Value {
        match ty {
            Type::String => self.string(key, rng).into(),
            Type::Bool => rng.chance(50).into(),
            Type::Int32 | Type::Int64 => self.integer(rng),
            Type::Number => json!(0.5),
            Type::Quantity => match rng.below(10) {
                0 => json!(1),
                1 => json!(0),
                _ => rng.pick(&QUANTITIES).copied().unwrap_or_default().into(),
            },
            Type::IntOrString => {
                if rng.chance(50) {
                    json!(80)
                } else {
                    json!("http")
                }
            }
            Type::Time => json!("2026-01-02T03:04:05Z"),
            Type::Bytes => json!("TFMwdExTMUNSVWRKVGk="),
            Type::Any => json!({}),
            Type::List(_) if depth > MAX_DEPTH => json!([]),
            Type::Map(_) if depth > MAX_DEPTH => json!({}),
            Type::List(inner) => {
                let inner = Schema::embedded().resolve(inner);
                (0..rng.below(max_items(depth)) + usize::from(rng.chance(60)))
                    .map(|_| self.value(inner, key, depth + 1, rng))
                    .collect()
            }
            Type::Map(inner) => {
                let inner = Schema::embedded().resolve(inner);
                let mut map = Map::new();
                for _ in 0..rng.below(max_items(depth)) {
                    map.insert(
                        self.map_key(key, rng),
                        self.value(inner, key, depth + 1, rng),
                    );
                }
                map.into()
            }
            Type::Struct(type_id) => self.struct_value(type_id, depth + 1, rng),
        }
    }

    fn struct_value(&self, type_id: TypeId, depth: usize, rng: &mut Rng) -> Value {
        let mut map = Map::new();
        for field in Schema::embedded()
            .fields(type_id)
            .filter(|field| field.until.is_none())
        {
            let is_read = self.dictionary.fields.contains(field.name);
            let percent = match (field.required, is_read) {
                (true, _) if depth > MAX_DEPTH => 0,
                (true, _) => 95,
                (false, _) if depth > MAX_OPTIONAL_DEPTH + 3 => 0,
                (false, true) => 45,
                (false, false) if depth > MAX_OPTIONAL_DEPTH => 0,
                (false, false) => 4,
            };
            if rng.chance(percent) {
                map.insert(field.name.to_owned(), self.field_value(field, depth, rng));
            }
        }
        map.into()
    }

    /// Returns an integer at or near a literal of the rule, or a common one.
    fn integer(&self, rng: &mut Rng) -> Value {
        let literal = rng.pick(&self.dictionary.numbers).copied().unwrap_or(1);
        let near = literal.clamp(-1, i64::from(i32::MAX) - 1) + if rng.chance(40) { 1 } else { 0 };
        rng.pick(&[near, 0, 1, 80, 1000])
            .copied()
            .unwrap_or_default()
            .into()
    }

    /// Returns a string that occurs under this key, or a literal of the rule.
    fn string(&self, key: &str, rng: &mut Rng) -> String {
        let known = |rng: &mut Rng| rng.pick(self.corpus.strings(key)).cloned();
        let literal = |rng: &mut Rng| rng.pick(&self.dictionary.strings).cloned();
        let string = if rng.chance(55) {
            known(rng).or_else(|| literal(rng))
        } else {
            literal(rng)
        };
        string.unwrap_or_else(|| "shop".to_owned())
    }

    /// Returns a key for the map under `map_name`, such as `cpu` for limits.
    fn map_key(&self, map_name: &str, rng: &mut Rng) -> String {
        let known: Vec<&String> = self
            .corpus
            .children(map_name)
            .into_iter()
            .flat_map(|children| children.keys())
            .collect();
        match rng.pick(&known).filter(|_| rng.chance(75)) {
            Some(key) => (*key).clone(),
            None => rng
                .pick(&self.dictionary.strings)
                .map_or_else(|| "shop".to_owned(), |string| to_map_key(string)),
        }
    }
}

/// Returns the bound of the random number of items at a depth.
fn max_items(depth: usize) -> usize {
    if depth > MAX_OPTIONAL_DEPTH { 1 } else { 3 }
}

/// Returns the paths of an object's values that are structs by the schema, each with its type.
pub(super) fn typed_structs(object: &Value) -> Vec<(JsonPath, TypeId)> {
    let Some(info) = Schema::embedded().kind(&corpus::kind_of(object)) else {
        return Vec::new();
    };
    let mut structs = Vec::new();
    let mut pending: Vec<(JsonPath, Type, &Value)> =
        vec![(Vec::new(), Type::Struct(info.root), object)];
    while let Some((path, ty, value)) = pending.pop() {
        let child = |step: PathStep| json_path::child(&path, step);
        match (ty, value) {
            (Type::Struct(type_id), Value::Object(fields)) => {
                for (key, value) in fields {
                    if let Some(field) = Schema::embedded().field(type_id, key) {
                        pending.push((child(PathStep::Key(key.clone())), field.ty, value));
                    }
                }
                structs.push((path, type_id));
            }
            (Type::List(inner), Value::Array(items)) => {
                let inner = Schema::embedded().resolve(inner);
                pending.extend(
                    items
                        .iter()
                        .enumerate()
                        .map(|(index, item)| (child(PathStep::Index(index)), inner, item)),
                );
            }
            (Type::Map(inner), Value::Object(fields)) => {
                let inner = Schema::embedded().resolve(inner);
                pending.extend(
                    fields
                        .iter()
                        .map(|(key, value)| (child(PathStep::Key(key.clone())), inner, value)),
                );
            }
            _ => {}
        }
    }
    structs
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::{Corpus, Dictionary, Rng, SchemaGenerator, typed_structs};
    use kubevet_model::Kind;

    #[test]
    fn generated_objects_have_fields_of_their_types() {
        let (corpus, mut dictionary) = (Corpus::default(), Dictionary::default());
        dictionary.fields.extend(
            [
                "containers",
                "securityContext",
                "windowsOptions",
                "hostProcess",
            ]
            .map(str::to_owned),
        );
        let generator = SchemaGenerator {
            corpus: &corpus,
            dictionary: &dictionary,
        };
        let mut rng = Rng::new(1);
        let mut has_met_field = false;
        for _ in 0..200 {
            let mut object = generator
                .object(&Kind::new("apps", "Deployment"), &mut rng)
                .unwrap();
            generator.set_random_field(&mut object, &mut rng);
            assert!(typed_structs(&object).len() > 1, "{object}");
            has_met_field |= object.to_string().contains("hostProcess");
        }
        assert!(has_met_field);
        assert!(
            generator
                .object(&Kind::new("example.com", "Shop"), &mut rng)
                .is_none()
        );
    }
}

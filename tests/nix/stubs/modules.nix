# The module system, as far as husk's modules go: imports, mkIf, mkMerge, priorities, options with types, submodules. What
# no option declares stands for NixOS' own options: lists are joined, sets are merged, other values must agree.
{ lib }:

let
  inherit (builtins)
    all
    attrNames
    concatLists
    concatMap
    elem
    filter
    foldl'
    head
    isAttrs
    isBool
    isFunction
    isInt
    isList
    isString
    listToAttrs
    mapAttrs
    ;

  kindOf = value: if isAttrs value then value._type or "" else "";
  isPlainSet = value: isAttrs value && kindOf value == "" && (value.type or "") != "derivation";
  keysOf = sets: attrNames (foldl' (all: set: all // set) { } sets);
  genAttrs = names: f: listToAttrs (map (name: lib.nameValuePair name (f name)) names);

  # A definition is { priority, value }. Properties around it are resolved, which asks for the conditions of mkIf ...
  discharge =
    { priority, value }:
    {
      "if" = if value.condition then discharge { inherit priority; value = value.content; } else [ ];
      merge = concatMap (each: discharge { inherit priority; value = each; }) value.contents;
      override = discharge { inherit (value) priority; value = value.content; };
    }
    .${kindOf value} or [ { inherit priority value; } ];

  # ... or pushed into the members of a set, which does not: conditions may ask for the configuration.
  pushDown =
    { priority, value }:
    {
      "if" = concatMap (
        each: [ { inherit (each) priority; value = mapAttrs (_: content: { _type = "if"; inherit (value) condition; inherit content; }) each.value; } ]
      ) (pushDown { inherit priority; value = value.content; });
      merge = concatMap (each: pushDown { inherit priority; value = each; }) value.contents;
      override = pushDown { inherit (value) priority; value = value.content; };
    }
    .${kindOf value} or [ { inherit priority value; } ];

  members = definitions: name: concatMap ({ priority, value }: lib.optional (value ? ${name}) { inherit priority; value = value.${name}; }) definitions;

  strongest =
    definitions:
    let
      best = foldl' (least: { priority, ... }: if priority < least then priority else least) 100000 definitions;
    in
    map ({ value, ... }: value) (filter ({ priority, ... }: priority == best) definitions);

  mergeUndeclared =
    place: definitions:
    let
      discharged = concatMap discharge definitions;
      values = strongest discharged;
    in
    if all ({ value, ... }: isPlainSet value) discharged then
      genAttrs (keysOf (map ({ value, ... }: value) discharged)) (name: mergeUndeclared "${place}.${name}" (members discharged name))
    else if all isList values then
      concatLists values
    else if all (value: value == head values) values then
      head values
    else
      throw "stub: ${place} is defined twice";

  mergeOption =
    place: option: definitions:
    let
      discharged =
        concatMap discharge definitions
        ++ lib.optional (option ? default) { priority = 1500; value = option.default; };
      values = strongest discharged;
    in
    if values == [ ] then
      throw "stub: ${place} is used but not defined"
    else if !all option.type.check values then
      throw "stub: ${place} is not of type ${option.type.name}: ${builtins.toJSON values}"
    else
      option.type.merge place values;

  mergeTree =
    {
      strict,
      place,
      options,
      definitions,
    }:
    if kindOf options == "option" then
      mergeOption place options definitions
    else if options == { } then
      if strict then throw "stub: there is no option ${place}" else mergeUndeclared place definitions
    else
      let
        pushed = concatMap pushDown definitions;
      in
      genAttrs (keysOf ([ options ] ++ map ({ value, ... }: value) pushed)) (
        name:
        mergeTree {
          inherit strict;
          place = "${place}.${name}";
          options = options.${name} or { };
          definitions = members pushed name;
        }
      );

  mergeOptions =
    a: b: if kindOf a == "option" || kindOf b == "option" then throw "stub: an option is declared twice" else a // mapAttrs (name: each: if a ? ${name} then mergeOptions a.${name} each else each) b;

  evalModules =
    {
      modules,
      specialArgs ? { },
      strict ? false,
      place ? "config",
    }:
    let
      arguments = specialArgs // {
        inherit config lib;
      };
      load =
        module:
        let
          content = if builtins.isPath module then import module else module;
          given = if isFunction content then content (builtins.intersectAttrs (builtins.functionArgs content) arguments) else content;
          key = if builtins.isPath module then [ (toString module) ] else [ ];
          explicit = given ? config || given ? options;
        in
        [
          {
            inherit key;
            options = given.options or { };
            config = if explicit then given.config or { } else removeAttrs given [ "imports" ];
          }
        ]
        ++ concatMap load (given.imports or [ ]);
      # A file that is imported twice counts once.
      loaded = foldl' (
        known: module: if module.key != [ ] && elem module.key (map ({ key, ... }: key) known) then known else known ++ [ module ]
      ) [ ] (concatMap load modules);
      config = mergeTree {
        inherit strict place;
        options = foldl' (all: module: mergeOptions all module.options) { } loaded;
        definitions = map (module: { priority = 100; value = module.config; }) loaded;
      };
    in
    {
      inherit config;
    };

  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };

  one = place: values: if all (value: value == head values) values then head values else throw "stub: ${place} has several values";
  scalar = name: check: { inherit name check; merge = one; };

  types = {
    bool = scalar "bool" isBool;
    int = scalar "int" isInt;
    str = scalar "str" isString;
    raw = { name = "raw"; check = _: true; merge = _: head; };
    package = scalar "package" (value: isAttrs value && value.type or "" == "derivation");
    enum = allowed: scalar "enum" (value: elem value allowed);
    strMatching = pattern: scalar "strMatching" (value: isString value && builtins.match pattern value != null);
    ints.between = least: most: scalar "between" (value: isInt value && least <= value && value <= most);
    nullOr = type: {
      name = "nullOr ${type.name}";
      check = value: value == null || type.check value;
      merge = place: values: if head values == null then null else type.merge place values;
    };
    either = a: b: {
      name = "${a.name} or ${b.name}";
      check = value: a.check value || b.check value;
      merge = place: values: if all a.check values then a.merge place values else b.merge place values;
    };
    coercedTo = from: convert: to: {
      inherit (to) name;
      check = value: from.check value || to.check value;
      merge = place: values: to.merge place (map (value: if from.check value then convert value else value) values);
    };
    listOf = type: {
      name = "listOf ${type.name}";
      check = value: isList value && all type.check value;
      merge = place: values: map (value: type.merge place [ value ]) (concatLists values);
    };
    attrsOf = type: {
      name = "attrsOf ${type.name}";
      check = isAttrs;
      merge =
        place: values:
        genAttrs (keysOf values) (name: type.merge "${place}.${name}" (concatMap (set: lib.optional (set ? ${name}) set.${name}) values));
    };
    submodule = module: {
      name = "submodule";
      check = isAttrs;
      merge =
        place: values:
        (evalModules {
          modules = [ module ] ++ map (config: { inherit config; }) values;
          strict = true;
          inherit place;
        }).config;
    };
  };
in
{
  inherit evalModules types mkOverride;
  mkOption = option: option // { _type = "option"; };
  mkDefault = mkOverride 1000;
  mkForce = mkOverride 50;
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };
  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };
  literalMD = text: text;
}

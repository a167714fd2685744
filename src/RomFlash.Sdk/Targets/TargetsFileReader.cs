using System.Collections.Immutable;
using System.Text.Json;
using RomFlash.Sdk.Documents;
using RomFlash.Sdk.Outcomes;

namespace RomFlash.Sdk.Targets;

/// <summary>Reads a targets file to its end, so that all problems are told at once.</summary>
internal ref struct TargetsFileReader
{
    private const int FormatVersion = 1;
    private const int MaxNameLength = 128;
    private const int MaxAddressLength = 2048;

    // A good file has seven levels. What is nested deeper is told as the wrong value that it is, and skipped, so that the rest is read as well.
    private const int MaxDepth = 64;

    private static readonly TargetEndpoint NoEndpoint = TargetEndpoint.TryCreate("dir:/").GetValueOrThrow();

    private readonly IReadOnlyCollection<string> _schemes;
    private readonly List<TargetsGroup> _groups = [];
    private readonly List<(string Name, long At)> _groupPlaces = [];
    private readonly List<(string From, string To, long At)> _includes = [];
    private readonly List<(string Name, long At)> _references = [];
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _addresses = new(StringComparer.Ordinal);
    private readonly ImmutableDictionary<string, CredentialDeclaration>.Builder _credentials = ImmutableDictionary.CreateBuilder<string, CredentialDeclaration>(StringComparer.Ordinal);
    private readonly HashSet<string> _credentialNames = new(StringComparer.Ordinal);
    private DocumentReader _reader;
    private bool _hasCredentials;
    private int _targets;

    public TargetsFileReader(ReadOnlySpan<byte> utf8, IReadOnlyCollection<string> schemes)
    {
        _reader = new(utf8, MaxDepth);
        _schemes = schemes;
    }

    /// <summary>Reads everything.</summary>
    /// <returns>The file, or null when there are problems.</returns>
    public TargetsFile? Read(out ImmutableArray<DocumentProblem> problems)
    {
        try
        {
            _reader.Read();
            ReadDocument();
            _reader.Read();
            FindMissing();
            FindCycles();
        }
        catch (JsonException e)
        {
            _reader.Malformed(new JsonException(Explain(e.Message), null, e.LineNumber, e.BytePositionInLine));
        }

        problems = _reader.Problems;
        return problems.IsEmpty ? new TargetsFile([.. _groups], _credentials.ToImmutable()) : null;
    }

    private void ReadDocument()
    {
        var start = _reader.Position;
        if (!_reader.BeginObject("the targets file"))
        {
            return;
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (_reader.NextField(seen) is { } field)
        {
            switch (field)
            {
                case "romflashTargets":
                    _reader.ReadNumber(field, FormatVersion, FormatVersion, "1, the only version of the format");
                    break;
                case "credentials":
                    _hasCredentials = true;
                    ReadCredentials();
                    break;
                case "groups":
                    ReadGroups();
                    break;
                default:
                    Unknown(field);
                    break;
            }
        }

        _reader.Require(seen, start, "the targets file", "romflashTargets", "groups");
    }

    private void ReadCredentials()
    {
        if (!_reader.BeginObject("credentials"))
        {
            return;
        }

        while (_reader.NextField(_credentialNames) is { } name)
        {
            if (!IsName(name))
            {
                _reader.Problem(_reader.FieldPosition, $"a name of credentials is 1 to {MaxNameLength} characters without control characters");
            }

            ReadCredential(name);
        }
    }

    private void ReadCredential(string name)
    {
        var start = _reader.Position;
        if (!_reader.BeginObject("an entry of credentials"))
        {
            return;
        }

        string? user = null, source = null;
        var origins = new HashSet<CredentialOrigin>();
        var isGood = true;
        var isRefused = false;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (_reader.NextField(seen) is { } field)
        {
            switch (field)
            {
                case "userName":
                    user = _reader.ReadText(field);
                    isGood &= user is not null;
                    break;
                case "passwordFile":
                    origins.Add(CredentialOrigin.File);
                    source = _reader.ReadText(field, MaxAddressLength);
                    isGood &= source is not null;
                    break;
                case "passwordEnvironment":
                    origins.Add(CredentialOrigin.Environment);
                    source = ReadVariable(field);
                    isGood &= source is not null;
                    break;
                case "prompt":
                    origins.Add(CredentialOrigin.Prompt);
                    isGood &= ReadTrue(field);
                    break;
                case "currentUser":
                    origins.Add(CredentialOrigin.CurrentUser);
                    isGood &= ReadTrue(field);
                    break;
                default:
                    isRefused |= IsSecret(field);
                    Unknown(field);
                    break;
            }
        }

        // A password that was written here has been refused already, with what to write instead.
        if (origins.Count == 0 && isRefused)
        {
            return;
        }

        if (origins.Count != 1)
        {
            _reader.Problem(start, "an entry of credentials has exactly one of passwordFile, passwordEnvironment, prompt and currentUser");
            return;
        }

        var isUserWanted = origins.First() != CredentialOrigin.CurrentUser;
        if (isUserWanted != seen.Contains("userName"))
        {
            _reader.Problem(start, isUserWanted ? "an entry of credentials lacks the field 'userName'" : "with currentUser there is no userName");
            return;
        }

        if (isGood)
        {
            _credentials[name] = new(origins.First(), user ?? string.Empty, source ?? string.Empty);
        }
    }

    // What stands here may be a password that somebody took for the right thing: it is not repeated.
    private string? ReadVariable(string field)
    {
        if (_reader.ReadText(field) is not { } text)
        {
            return null;
        }

        if (!char.IsAsciiDigit(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
        {
            return text;
        }

        _reader.Problem($"{field} is the name of an environment variable: letters, digits and '_'");
        return null;
    }

    private bool ReadTrue(string field)
    {
        var flag = _reader.ReadFlag(field);
        if (flag is false)
        {
            _reader.Problem($"{field} is true, or left out");
        }

        return flag is true;
    }

    private void ReadGroups()
    {
        var start = _reader.Position;
        if (!_reader.BeginObject("groups"))
        {
            return;
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        while (_reader.NextField(names) is { } name)
        {
            if (_groups.Count == TargetsFile.MaxGroups)
            {
                if (names.Count == TargetsFile.MaxGroups + 1)
                {
                    _reader.Problem($"there are more than {TargetsFile.MaxGroups} groups");
                }

                _reader.Skip();
                continue;
            }

            if (!IsName(name))
            {
                _reader.Problem(_reader.FieldPosition, $"a group's name is 1 to {MaxNameLength} characters without control characters");
            }

            ReadGroup(name);
        }

        if (names.Count == 0)
        {
            _reader.Problem(start, "groups is empty");
        }
    }

    private void ReadGroup(string name)
    {
        var start = _reader.Position;
        _groupPlaces.Add((name, start));
        if (!_reader.BeginObject("a group"))
        {
            _groups.Add(new(name, [], []));
            return;
        }

        var drafts = new List<(string? Id, long At, string? Credentials, List<TargetEndpoint> Endpoints)>();
        var includes = new List<string>();
        string? credentials = null;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (_reader.NextField(seen) is { } field)
        {
            switch (field)
            {
                case "credentials":
                    credentials = ReadReference();
                    break;
                case "groups":
                    ReadIncludes(name, includes);
                    break;
                case "targets":
                    ReadTargets(drafts);
                    break;
                default:
                    Unknown(field);
                    break;
            }
        }

        if (drafts.Count == 0 && includes.Count == 0 && !seen.Contains("targets") && !seen.Contains("groups"))
        {
            _reader.Problem(start, "a group has targets, groups or both");
        }

        // Here and not before: a group's credentials may stand behind its targets.
        var targets = ImmutableArray.CreateBuilder<FlashTarget>(drafts.Count);
        foreach (var draft in drafts)
        {
            Add(targets, draft, credentials);
        }

        _groups.Add(new(name, targets.ToImmutable(), [.. includes]));
    }

    private readonly void Add(ImmutableArray<FlashTarget>.Builder targets, (string? Id, long At, string? Credentials, List<TargetEndpoint> Endpoints) draft, string? ofGroup)
    {
        // The innermost reference wins: the endpoint's, then the target's, then the group's in which the target is written.
        var outer = draft.Credentials ?? ofGroup;
        var endpoints = draft.Endpoints.Select(e => e.CredentialReference is null && outer is not null ? e with { CredentialReference = outer } : e);
        if (draft.Id is null)
        {
            return;
        }

        // That endpoints are missing or bad is told already; the id may be bad or there twice all the same.
        if (draft.Endpoints.Count == 0)
        {
            endpoints = [NoEndpoint];
        }

        if (!FlashTarget.TryCreate(draft.Id, [.. endpoints]).TryGetValue(out var target, out var failure))
        {
            _reader.Problem(draft.At, failure.Detail);
        }
        else if (!_ids.Add(target.Id))
        {
            _reader.Problem(draft.At, $"the target {Quote(target.Id)} is there twice");
        }
        else
        {
            targets.Add(target);
        }
    }

    private void ReadIncludes(string group, List<string> includes)
    {
        var start = _reader.Position;
        if (!_reader.BeginArray("groups of a group"))
        {
            return;
        }

        var isEmpty = true;
        while (_reader.NextItem())
        {
            isEmpty = false;
            var at = _reader.Position;
            if (_reader.ReadText("an entry of groups", MaxNameLength) is not { } name)
            {
                continue;
            }

            if (includes.Contains(name))
            {
                _reader.Problem(at, $"the group {Quote(name)} is included twice");
                continue;
            }

            includes.Add(name);
            _includes.Add((group, name, at));
        }

        if (isEmpty)
        {
            _reader.Problem(start, "groups of a group is empty");
        }
    }

    private void ReadTargets(List<(string? Id, long At, string? Credentials, List<TargetEndpoint> Endpoints)> drafts)
    {
        var start = _reader.Position;
        if (!_reader.BeginArray("targets"))
        {
            return;
        }

        var isEmpty = true;
        while (_reader.NextItem())
        {
            isEmpty = false;
            if (++_targets > TargetsFile.MaxTargets)
            {
                if (_targets == TargetsFile.MaxTargets + 1)
                {
                    _reader.Problem($"there are more than {TargetsFile.MaxTargets} targets");
                }

                _reader.Skip();
                continue;
            }

            drafts.Add(ReadTarget());
        }

        if (isEmpty)
        {
            _reader.Problem(start, "targets is empty");
        }
    }

    private (string? Id, long At, string? Credentials, List<TargetEndpoint> Endpoints) ReadTarget()
    {
        var start = _reader.Position;
        var endpoints = new List<TargetEndpoint>();
        if (_reader.Token == JsonTokenType.String)
        {
            AddEndpoint(endpoints, "a target", []);
            return (endpoints.Count == 1 ? endpoints[0].ToString() : null, start, null, endpoints);
        }

        if (!_reader.BeginObject("a target, if it is no address,"))
        {
            return (null, start, null, endpoints);
        }

        string? id = null, credentials = null;
        var at = start;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (_reader.NextField(seen) is { } field)
        {
            switch (field)
            {
                case "id":
                    at = _reader.Position;
                    id = ReadId();
                    break;
                case "credentials":
                    credentials = ReadReference();
                    break;
                case "endpoints":
                    ReadEndpoints(endpoints);
                    break;
                default:
                    Unknown(field);
                    break;
            }
        }

        _reader.Require(seen, start, "a target", "id", "endpoints");
        return (id, at, credentials, endpoints);
    }

    // Somebody may have written user:password@host where the name belongs.
    private string? ReadId()
    {
        var id = _reader.ReadText("id");
        if (id is null || !IsUserAtHost(id))
        {
            return id;
        }

        _reader.Problem("an id seems to hold credentials (not repeated here)");
        return null;
    }

    private void ReadEndpoints(List<TargetEndpoint> endpoints)
    {
        var start = _reader.Position;
        if (!_reader.BeginArray("endpoints"))
        {
            return;
        }

        var count = 0;
        var own = new HashSet<string>(StringComparer.Ordinal);
        while (_reader.NextItem())
        {
            if (++count > TargetsFile.MaxEndpoints)
            {
                if (count == TargetsFile.MaxEndpoints + 1)
                {
                    _reader.Problem($"a target has at most {TargetsFile.MaxEndpoints} endpoints");
                }

                _reader.Skip();
                continue;
            }

            ReadEndpoint(endpoints, own);
        }

        if (count == 0)
        {
            _reader.Problem(start, "endpoints is empty");
        }
    }

    private void ReadEndpoint(List<TargetEndpoint> endpoints, HashSet<string> own)
    {
        if (_reader.Token == JsonTokenType.String)
        {
            AddEndpoint(endpoints, "an endpoint", own);
            return;
        }

        var start = _reader.Position;
        if (!_reader.BeginObject("an endpoint, if it is no address,"))
        {
            return;
        }

        string? credentials = null;
        var before = endpoints.Count;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (_reader.NextField(seen) is { } field)
        {
            switch (field)
            {
                case "address":
                    AddEndpoint(endpoints, field, own);
                    break;
                case "credentials":
                    credentials = ReadReference();
                    break;
                default:
                    Unknown(field);
                    break;
            }
        }

        _reader.Require(seen, start, "an endpoint", "address");
        if (credentials is not null && endpoints.Count > before)
        {
            endpoints[^1] = endpoints[^1] with { CredentialReference = credentials };
        }
    }

    private void AddEndpoint(List<TargetEndpoint> endpoints, string what, HashSet<string> own)
    {
        var at = _reader.Position;
        if (_reader.ReadText(what, MaxAddressLength) is not { } text)
        {
            return;
        }

        if (!TargetEndpoint.TryCreate(text).TryGetValue(out var endpoint, out var failure))
        {
            _reader.Problem(at, failure is SecretInAddress ? "an address holds a user name or a password (not repeated here); use credentials by reference"
                : text.Contains('@', StringComparison.Ordinal) ? "an address must be an absolute URI (not repeated here: it may hold credentials)"
                : $"{Quote(text)} is not an absolute URI such as dir:/mnt/esp");
            return;
        }

        if (!_schemes.Contains(endpoint.Scheme, StringComparer.OrdinalIgnoreCase))
        {
            _reader.Problem(at, $"no transport serves {Quote(endpoint.Scheme)} addresses; known are {string.Join(", ", _schemes.Order(StringComparer.Ordinal))}");
            return;
        }

        var address = endpoint.Address.AbsoluteUri.TrimEnd('/');
        if (!own.Add(address))
        {
            _reader.Problem(at, $"the address {Quote(endpoint.ToString())} is there twice in one target");
        }
        else if (!_addresses.TryAdd(address, endpoint.ToString()))
        {
            _reader.Problem(at, $"the address {Quote(endpoint.ToString())} belongs to another target already");
        }
        else
        {
            endpoints.Add(endpoint);
        }
    }

    private string? ReadReference()
    {
        var at = _reader.Position;
        var name = _reader.ReadText("credentials", MaxNameLength);
        if (name is not null)
        {
            _references.Add((name, at));
        }

        return name;
    }

    private void Unknown(string field)
    {
        if (IsSecret(field))
        {
            _reader.Problem(_reader.FieldPosition, "no password is written in a targets file; say where it comes from with passwordFile, passwordEnvironment or prompt, and change the one that was written here");
            _reader.Skip();
            return;
        }

        _reader.Unknown(field);
    }

    private readonly void FindMissing()
    {
        var names = _groupPlaces.Select(g => g.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var (_, to, at) in _includes)
        {
            if (!names.Contains(to))
            {
                _reader.Problem(at, $"there is no group {Quote(to)}");
            }
        }

        if (!_hasCredentials)
        {
            return;
        }

        // A name that nobody declared is most often a slip of the pen; it may also be a password.
        foreach (var (name, at) in _references)
        {
            if (!_credentialNames.Contains(name))
            {
                _reader.Problem(at, "these credentials are not declared under 'credentials' (the name is not repeated here)");
            }
        }
    }

    /// <summary>Finds groups that contain themselves. Each cycle is told once, at the entry that closes it, with the way around.</summary>
    private readonly void FindCycles()
    {
        var from = _includes.ToLookup(i => i.From, StringComparer.Ordinal);
        var done = new HashSet<string>(StringComparer.Ordinal);
        var path = new List<string>();
        var onPath = new HashSet<string>(StringComparer.Ordinal);

        // A stack of its own: ten thousand groups in a row are deeper than the thread's.
        var stack = new Stack<IEnumerator<(string From, string To, long At)>>();
        foreach (var (start, _) in _groupPlaces)
        {
            Enter(start);
            while (stack.TryPeek(out var top))
            {
                if (!top.MoveNext())
                {
                    stack.Pop().Dispose();
                    onPath.Remove(path[^1]);
                    done.Add(path[^1]);
                    path.RemoveAt(path.Count - 1);
                }
                else if (onPath.Contains(top.Current.To))
                {
                    _reader.Problem(top.Current.At, $"the groups contain each other: {Around(path, top.Current.To)}");
                }
                else
                {
                    Enter(top.Current.To);
                }
            }
        }

        void Enter(string group)
        {
            if (!done.Contains(group))
            {
                path.Add(group);
                onPath.Add(group);
                stack.Push(from[group].GetEnumerator());
            }
        }
    }

    private static string Around(List<string> path, string to)
    {
        const int Most = 32;
        var cycle = path.Skip(path.IndexOf(to)).ToList();
        var shown = cycle.Count <= Most ? cycle : [.. cycle.Take(Most - 1), "…"];
        return string.Join(" -> ", [.. shown, to]);
    }

    // The parser speaks of its own options, and quotes what it can't read, which may be a password without its quotation marks. What is said instead
    // says what to do; what nobody foresaw is told without its quote.
    private static string Explain(string message)
    {
        ReadOnlySpan<(string Sign, string Text)> known =
        [
            ("does not contain any JSON tokens", "there is nothing here: a targets file is a JSON object with romflashTargets and groups"),
            ("Expected depth to be zero", "the file ends too early: an object or a list is not closed"),
            ("trailing comma", "take the comma before this away: nothing follows it"),
            ("'/' is an invalid start", "JSON has no comments: take it away"),
            ("after a single JSON value", "the file goes on behind its end: take away what stands here"),
            ("is an invalid JSON literal", "this is no JSON: a text stands between quotation marks (what stands here is not repeated)"),
            ("maximum configured depth", "this is nested too deep"),
        ];
        foreach (var (sign, text) in known)
        {
            if (message.Contains(sign, StringComparison.Ordinal))
            {
                return text;
            }
        }

        return message.StartsWith('\'') && message.LastIndexOf("' is ", StringComparison.Ordinal) is > 0 and var end ? "what stands here" + message[(end + 1)..] : message;
    }

    private static bool IsSecret(string field) =>
        field.Contains("pass", StringComparison.OrdinalIgnoreCase) || field.Contains("pwd", StringComparison.OrdinalIgnoreCase) || field.Contains("secret", StringComparison.OrdinalIgnoreCase);

    private static bool IsName(string name) => !string.IsNullOrWhiteSpace(name) && name.Length <= MaxNameLength && !name.Any(char.IsControl);

    private static bool IsUserAtHost(string id) => id.IndexOf('@', StringComparison.Ordinal) is > 0 and var at && id.AsSpan(0, at).Contains(':');

    private static string Quote(string text)
    {
        const int Most = 64;
        return text.Length <= Most ? $"'{text}'" : $"'{text.AsSpan(0, char.IsHighSurrogate(text[Most - 1]) ? Most - 1 : Most)}…'";
    }
}

using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using RomFlash.Sdk.Images;
using RomFlash.Sdk.Testing.Redfish.Vendors;
using RomFlash.Sdk.Transports;

namespace RomFlash.Sdk.Testing.Redfish.Service;

/// <summary>Answers requests.</summary>
internal sealed class RedfishService : IDisposable
{
    private readonly RedfishFaceOptions _options;
    private readonly VendorBehaviour _vendor;
    private readonly FarSide _far;
    private readonly UpdateDesk _desk;
    private readonly Lock _gate = new();
    private RedfishApplyTime _pushApplyTime;
    private ImmutableArray<string> _pushTargets = [];
    private DateTimeOffset _managerLastReset;

    public RedfishService(RedfishFaceOptions options, FarSide far, CancellationToken stopping)
    {
        _options = options;
        _far = far;
        _vendor = VendorBehaviour.Of(options.Vendor);
        _desk = new(far, options, _vendor, stopping);
        Sessions = new(options, far.Clock);
        _pushApplyTime = options.ApplyTimes.IsDefaultOrEmpty ? _vendor.ApplyTimes[0] : options.ApplyTimes[0];
        _managerLastReset = far.Clock.GetUtcNow();
    }

    public SessionDesk Sessions { get; }

    public async Task<Reply> AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        var path = request.Path.Value ?? "/";
        path = path.Length > 1 ? path.TrimEnd('/') : path;
        var isRead = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
        if (isRead && Open(path) is { } open)
        {
            return open;
        }

        if (path == Paths.Sessions && HttpMethods.IsPost(request.Method))
        {
            return await LogInAsync(context).ConfigureAwait(false);
        }

        // The service root can be read by anybody (DSP0266, 13.2).
        var account = Sessions.Identify(request, path == _vendor.HttpPushUri ? _vendor.SessionCookie : null);
        if (account is null && !(isRead && path == Paths.Root))
        {
            return Replies.NotAuthenticated();
        }

        if (account is { IsAdministrator: false } && !isRead && !path.StartsWith(Paths.Sessions, StringComparison.Ordinal))
        {
            return Replies.NotAllowed();
        }

        await _desk.SettleAsync(context.RequestAborted).ConfigureAwait(false);
        var state = await LookAsync(context.RequestAborted).ConfigureAwait(false);
        if (path.StartsWith(Paths.TaskMonitors + "/", StringComparison.Ordinal))
        {
            return await MonitorAsync(context, path, state).ConfigureAwait(false);
        }

        return isRead ? Read(request, path, state)
            : HttpMethods.IsPost(request.Method) ? await PostAsync(context, path, state).ConfigureAwait(false)
            : HttpMethods.IsPatch(request.Method) ? await PatchAsync(context, path, state).ConfigureAwait(false)
            : HttpMethods.IsDelete(request.Method) ? await DeleteAsync(context, path, state, account!).ConfigureAwait(false)
            : Replies.NoSuchMethod("GET, HEAD, POST, PATCH, DELETE");
    }

    public void Dispose() => _desk.Dispose();

    private static Reply? Open(string path) => path switch
    {
        "/redfish" => new(200, new() { ["v1"] = Paths.Root + "/" }),
        Paths.Root + "/odata" => new(200, new()
        {
            ["@odata.context"] = Paths.Root + "/$metadata",
            ["value"] = new JsonArray(
                ODataLink("Service", Paths.Root + "/"),
                ODataLink("Systems", Paths.Systems),
                ODataLink("Managers", Paths.Managers),
                ODataLink("Chassis", Paths.Chassis),
                ODataLink("UpdateService", Paths.UpdateService),
                ODataLink("Tasks", Paths.TaskService),
                ODataLink("SessionService", Paths.SessionService),
                ODataLink("Sessions", Paths.Sessions),
                ODataLink("AccountService", Paths.AccountService)),
        }),
        Paths.Root + "/$metadata" => new(200)
        {
            Other = (
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><edmx:Edmx xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\" Version=\"4.0\">"
                + "<edmx:Reference Uri=\"http://redfish.dmtf.org/schemas/v1/ServiceRoot_v1.xml\"><edmx:Include Namespace=\"ServiceRoot\"/><edmx:Include Namespace=\"ServiceRoot.v1_17_0\"/></edmx:Reference>"
                + "<edmx:DataServices><Schema xmlns=\"http://docs.oasis-open.org/odata/ns/edm\" Namespace=\"Service\"><EntityContainer Name=\"Service\" Extends=\"ServiceRoot.v1_17_0.ServiceContainer\"/></Schema></edmx:DataServices></edmx:Edmx>",
                "application/xml; charset=utf-8"),
        },
        _ => null,
    };

    private static JsonObject ODataLink(string name, string url) => new() { ["name"] = name, ["kind"] = "Singleton", ["url"] = url };

    private async ValueTask<ServiceState> LookAsync(CancellationToken cancellationToken)
    {
        var facts = await _far.ReadFactsAsync(cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            return new(_options, _vendor, facts, _desk.Tasks, _far, _desk.LastReset)
            {
                ManagerLastReset = _managerLastReset,
                PushApplyTime = _pushApplyTime,
                PushTargets = _pushTargets,
            };
        }
    }

    private Reply Read(HttpRequest request, string path, ServiceState state)
    {
        if (Resources.Find(path, state, Sessions.Sessions) is { } resource)
        {
            var etag = Reply.ETagOf(resource);
            resource["@odata.etag"] = etag;
            return request.Headers.IfNoneMatch == etag ? new Reply(304).With("ETag", etag) : new Reply(200, resource).With("ETag", etag);
        }

        return IsPushUri(path, state) ? _vendor.RefusePush(state, isLook: true) ?? Replies.NoSuchMethod("POST")
            : ActionsOf(state).Contains(path) ? Replies.NoSuchMethod("POST")
            : Replies.NotFound(path);
    }

    private static bool IsPushUri(string path, ServiceState state) =>
        (state.PushKinds.HasFlag(RedfishPushKinds.Multipart) && path == state.Vendor.MultipartPushUri)
        || (state.PushKinds.HasFlag(RedfishPushKinds.Http) && path == state.Vendor.HttpPushUri);

    private static string[] ActionsOf(ServiceState state) =>
    [
        state.SystemPath + "/Actions/ComputerSystem.Reset",
        state.ManagerPath + "/Actions/Manager.Reset",
        Paths.StartUpdate,
    ];

    private async Task<Reply> LogInAsync(HttpContext context)
    {
        var (body, refusal) = await ReadBodyAsync(context).ConfigureAwait(false);
        if (body is null)
        {
            return refusal!;
        }

        foreach (var needed in (ReadOnlySpan<string>)["UserName", "Password"])
        {
            if (body[needed] is not JsonValue value || !value.TryGetValue<string>(out _))
            {
                return Replies.Missing(needed);
            }
        }

        if (Sessions.LogIn(body["UserName"]!.GetValue<string>(), body["Password"]!.GetValue<string>()) is not { } session)
        {
            return Replies.NotAuthenticated();
        }

        return new Reply(201, Resources.Session(session))
            .With("X-Auth-Token", session.Token)
            .With("Location", $"{Paths.Sessions}/{session.Id}");
    }

    private async Task<Reply> PostAsync(HttpContext context, string path, ServiceState state)
    {
        if (IsPushUri(path, state))
        {
            return await PushAsync(context, path, state).ConfigureAwait(false);
        }

        if (path == state.SystemPath + "/Actions/ComputerSystem.Reset")
        {
            return state.HasPower ? await ResetAsync(context).ConfigureAwait(false) : Replies.NotFound(path);
        }

        if (path == state.ManagerPath + "/Actions/Manager.Reset")
        {
            lock (_gate)
            {
                _managerLastReset = _far.Clock.GetUtcNow();
            }

            Sessions.EndAll();
            return new(204);
        }

        if (path == Paths.StartUpdate && state.ApplyTimes.Contains(RedfishApplyTime.OnStartUpdateRequest))
        {
            return await StartAsync(context, state).ConfigureAwait(false);
        }

        return Resources.Find(path, state, Sessions.Sessions) is null ? Replies.NotFound(path) : Replies.NoSuchMethod("GET, HEAD");
    }

    private async Task<Reply> PatchAsync(HttpContext context, string path, ServiceState state)
    {
        if (path != Paths.UpdateService || !state.PushKinds.HasFlag(RedfishPushKinds.Http))
        {
            return Resources.Find(path, state, Sessions.Sessions) is null ? Replies.NotFound(path) : Replies.NoSuchMethod("GET, HEAD");
        }

        if (HasWrongETag(context.Request, path, state, isNeeded: false))
        {
            return Replies.WrongETag();
        }

        var (body, refusal) = await ReadBodyAsync(context).ConfigureAwait(false);
        if (body is null)
        {
            return refusal!;
        }

        var applyTime = state.PushApplyTime;
        var targets = state.PushTargets;
        foreach (var (name, value) in body)
        {
            switch (name)
            {
                case "HttpPushUriOptions":
                    var text = (value as JsonObject)?["HttpPushUriApplyTime"] is JsonObject inner ? TextOf(inner["ApplyTime"]) : null;
                    if (text is null || !TryFindApplyTime(text, state, out applyTime))
                    {
                        return Replies.NotInList("ApplyTime", text ?? "null");
                    }

                    break;
                case "HttpPushUriTargets" when value is JsonArray array && array.All(t => TextOf(t) is not null):
                    targets = [.. array.Select(t => TextOf(t)!)];
                    break;
                case "HttpPushUriTargetsBusy" or "HttpPushUriOptionsBusy":
                    break;
                default:
                    return Replies.Unknown(name);
            }
        }

        lock (_gate)
        {
            _pushApplyTime = applyTime;
            _pushTargets = targets;
        }

        return Read(context.Request, path, await LookAsync(context.RequestAborted).ConfigureAwait(false));
    }

    private async Task<Reply> DeleteAsync(HttpContext context, string path, ServiceState state, RedfishAccount account)
    {
        if (path.StartsWith(Paths.Sessions + "/", StringComparison.Ordinal))
        {
            return Array.Find(Sessions.Sessions, s => path == $"{Paths.Sessions}/{s.Id}") is not { } session ? Replies.NotFound(path)
                : !account.IsAdministrator && session.Account != account ? Replies.NotAllowed()
                : Sessions.LogOut(session.Id) ? new(204)
                : Replies.NotFound(path);
        }

        return state.Tasks.FirstOrDefault(t => !t.IsPurged && !_vendor.HidesTasks && path == $"{Paths.Tasks}/{t.Id}") is { } task
            ? await CancelAsync(context, task).ConfigureAwait(false)
            : Resources.Find(path, state, Sessions.Sessions) is null ? Replies.NotFound(path) : Replies.NoSuchMethod("GET, HEAD");
    }

    private async Task<Reply> CancelAsync(HttpContext context, UpdateTask task) =>
        await _desk.CancelAsync(task, context.RequestAborted).ConfigureAwait(false) is { } fault ? ReplyTo(fault) : new(204);

    // A monitor tells that the work goes on, then how it ended, once (DSP0266, 12.2).
    private async Task<Reply> MonitorAsync(HttpContext context, string path, ServiceState state)
    {
        var task = state.Tasks.FirstOrDefault(t => !_vendor.HidesTasks && path == $"{Paths.TaskMonitors}/{t.Id}");
        if (task is null || task.MonitorIsSpent)
        {
            return Replies.NotFound(path);
        }

        if (HttpMethods.IsDelete(context.Request.Method))
        {
            return await CancelAsync(context, task).ConfigureAwait(false);
        }

        if (!HttpMethods.IsGet(context.Request.Method))
        {
            return Replies.NoSuchMethod("GET, DELETE");
        }

        if (!task.IsFinished)
        {
            return new Reply(202, Resources.Task(task, state)).With("Location", path).With("Retry-After", Replies.Seconds(_options.RetryAfter));
        }

        task.MonitorIsSpent = true;
        return task.Phase switch
        {
            UpdatePhase.Failed => Reply.Error(500, task.Messages[^2].Id, task.Messages[^2].Text, task.Component),
            UpdatePhase.Cancelled => Replies.NotFound(path),
            _ => new(204),
        };
    }

    private async Task<Reply> ResetAsync(HttpContext context)
    {
        var (body, refusal) = await ReadBodyAsync(context).ConfigureAwait(false);
        if (body is null)
        {
            return refusal!;
        }

        var type = TextOf(body["ResetType"]);
        if (type is null)
        {
            return Reply.Error(400, "Base.1.18.ActionParameterMissing", "The action ComputerSystem.Reset requires the parameter ResetType to be present in the request body.", "ComputerSystem.Reset", "ResetType");
        }

        if (type == "On")
        {
            return new(204);
        }

        if (type is not ("GracefulRestart" or "ForceRestart" or "PowerCycle"))
        {
            return Reply.Error(400, "Base.1.18.ActionParameterValueNotInList", $"The value '{type}' for the parameter ResetType in the action ComputerSystem.Reset is not in the list of acceptable values.", type, "ResetType", "ComputerSystem.Reset");
        }

        return await _desk.RestartAsync(type != "GracefulRestart", context.RequestAborted).ConfigureAwait(false) is { } fault ? ReplyTo(fault) : new(204);
    }

    private async Task<Reply> StartAsync(HttpContext context, ServiceState state)
    {
        if (context.Request.ContentLength is not (null or 0))
        {
            var (_, refusal) = await ReadBodyAsync(context).ConfigureAwait(false);
            if (refusal is not null)
            {
                return refusal;
            }
        }

        var started = await _desk.StartAsync(context.RequestAborted).ConfigureAwait(false);
        return started.Length == 0
            ? Reply.Error(409, "Update.1.2.NoTargetsDetermined", "No target device will be updated with image 'none'.", "none")
            : Accepted(started[^1], state);
    }

    private Reply Accepted(UpdateTask task, ServiceState state)
    {
        var location = _options.LocationNamesTask ?? _vendor.LocationNamesTask ? $"{Paths.Tasks}/{task.Id}" : $"{Paths.TaskMonitors}/{task.Id}";
        var reply = new Reply(202, Resources.Task(task, state))
            .With("Location", location)
            .With("Retry-After", Replies.Seconds(_options.RetryAfter));
        return _vendor.Accept(task, reply);
    }

    private async Task<Reply> PushAsync(HttpContext context, string path, ServiceState state)
    {
        var request = context.Request;
        if (_vendor.RefusePush(state, isLook: false) is { } refusal)
        {
            return refusal;
        }

        // One address may take both; the body tells which it is.
        var isMultipart = Upload.IsMultipart(request);
        var takesMultipart = _vendor.HttpPushIsMultipart || (state.PushKinds.HasFlag(RedfishPushKinds.Multipart) && path == _vendor.MultipartPushUri);
        var takesRaw = !_vendor.HttpPushIsMultipart && state.PushKinds.HasFlag(RedfishPushKinds.Http) && path == _vendor.HttpPushUri;
        if (isMultipart ? !takesMultipart : !takesRaw || request.ContentType?.StartsWith("application/octet-stream", StringComparison.OrdinalIgnoreCase) != true)
        {
            return Replies.WrongMediaType();
        }

        if (request.ContentLength is null && (_options.RefusesChunkedUploads ?? _vendor.RefusesChunkedUploads))
        {
            return Reply.Error(411, "Base.1.18.HeaderMissing", "Header 'Content-Length' is missing in the request.", "Content-Length");
        }

        // Beyond the image: the boundaries, the headers and the fields of a multipart push.
        if (request.ContentLength > _options.MaxImageSizeBytes + (isMultipart ? 4 * Upload.MaxFieldLength : 0))
        {
            return Replies.TooLarge();
        }

        if (!isMultipart && HasWrongETag(request, _vendor.PushETagUri, state, _options.PushNeedsIfMatch))
        {
            return Replies.WrongETag();
        }

        var (upload, unreadable) = isMultipart
            ? await Upload.ReadMultipartAsync(request, _vendor, _options.MaxImageSizeBytes, context.RequestAborted).ConfigureAwait(false)
            : await Upload.ReadRawAsync(request, _options.MaxImageSizeBytes, context.RequestAborted).ConfigureAwait(false);
        if (upload is null)
        {
            return unreadable!;
        }

        var isTaken = false;
        try
        {
            if (isMultipart && _vendor.RefuseFields(upload.Parameters, upload.Fields) is { } refused)
            {
                return refused;
            }

            if (ApplyTimeOf(upload.Parameters, state, isMultipart, out var applyTime) is { } wrongTime)
            {
                return wrongTime;
            }

            var (component, wrongTarget) = await ComponentOfAsync(upload, isMultipart, state, context.RequestAborted).ConfigureAwait(false);
            if (component is null)
            {
                return wrongTarget!;
            }

            var payload = new TaskPayload(request.Method, path, HeadersOf(request), upload.Fields.TryGetValue(_vendor.ParametersPart, out var json) ? json : string.Empty);
            var taken = await _desk.TakeAsync(upload.Image, component, applyTime, payload, context.RequestAborted).ConfigureAwait(false);

            // The desk owns the image from here on, whatever became of it.
            isTaken = true;
            return taken.TryGetValue(out var task, out var fault) ? Accepted(task, state) : ReplyTo(fault);
        }
        finally
        {
            if (!isTaken)
            {
                upload.Image.Dispose();
            }
        }
    }

    private static Reply? ApplyTimeOf(JsonObject? parameters, ServiceState state, bool isMultipart, out RedfishApplyTime applyTime)
    {
        applyTime = isMultipart ? state.ApplyTimes[0] : state.PushApplyTime;
        if (parameters?["@Redfish.OperationApplyTime"] is not { } wanted)
        {
            return null;
        }

        return TextOf(wanted) is { } text && TryFindApplyTime(text, state, out applyTime) ? null : Replies.NotInList("@Redfish.OperationApplyTime", wanted.ToJsonString());
    }

    private static bool TryFindApplyTime(string text, ServiceState state, out RedfishApplyTime applyTime)
    {
        foreach (var offered in state.ApplyTimes)
        {
            if (offered.ToString() == text)
            {
                applyTime = offered;
                return true;
            }
        }

        applyTime = default;
        return false;
    }

    private static async Task<(string? Component, Reply? Refusal)> ComponentOfAsync(Upload upload, bool isMultipart, ServiceState state, CancellationToken cancellationToken)
    {
        IEnumerable<string?> targets = isMultipart ? upload.Parameters?["Targets"] is JsonArray array ? array.Select(TextOf) : [] : state.PushTargets;
        string? component = null;
        foreach (var target in targets)
        {
            var named = state.Roms.FirstOrDefault(r => target == Resources.InventoryOf(r))
                ?? (target is not null && target.StartsWith(state.SystemPath, StringComparison.Ordinal) ? state.Roms.FirstOrDefault(r => r.Kind == RomKind.SystemRom)
                    : target is not null && target.StartsWith(state.ManagerPath, StringComparison.Ordinal) ? state.Roms.FirstOrDefault(r => r.Kind == RomKind.Controller)
                    : null);
            if (named is null || !state.ItemOf(named).Updateable || (component is not null && component != named.Id))
            {
                return (null, Replies.NotInList("Targets", target ?? "null"));
            }

            component = named.Id;
        }

        if (component is not null)
        {
            return (component, null);
        }

        // Nobody said: the image does, in the simulator's own header (see SimulatedRom: the magic, and the firmware class at 16).
        var head = new byte[32];
        var length = await upload.Image.ReadAsync(0, head, cancellationToken).ConfigureAwait(false);
        var firmwareClass = length == head.Length && head.AsSpan().StartsWith("RFSIMROM"u8) ? new Guid(head.AsSpan(16)) : (Guid?)null;
        var meant = state.Roms.FirstOrDefault(r => firmwareClass is not null && r.FirmwareClass == firmwareClass) ?? state.Roms.FirstOrDefault(r => state.ItemOf(r).Updateable);
        return meant is null ? (null, Replies.TryLater(state.Options.RetryAfter)) : (meant.Id, null);
    }

    // Who is it that pushed: clients find their own uploads by this. Secrets are left out.
    private static string[] HeadersOf(HttpRequest request) =>
    [
        .. request.Headers
            .Where(h => h.Key is not ("Authorization" or "X-Auth-Token" or "Cookie"))
            .Select(h => $"{h.Key}: {h.Value}"),
    ];

    private bool HasWrongETag(HttpRequest request, string path, ServiceState state, bool isNeeded)
    {
        var given = request.Headers.IfMatch.ToString();
        return given.Length == 0 ? isNeeded
            : given != "*" && (Resources.Find(path, state, Sessions.Sessions) is not { } resource || Reply.ETagOf(resource) != given);
    }

    private Reply ReplyTo(TransportFault fault) => fault.Kind switch
    {
        TransportFaultKind.Busy or TransportFaultKind.AlreadyExists or TransportFaultKind.Fenced or TransportFaultKind.ClaimHeld => Replies.InUse(fault.Detail),
        TransportFaultKind.NoSpace or TransportFaultKind.ReadOnly =>
            Reply.Error(507, "Base.1.18.InsufficientStorage", "Insufficient storage or memory available to complete the request due to storage constraints."),
        TransportFaultKind.AccessDenied => Replies.NotAllowed(),
        TransportFaultKind.Unsupported => Reply.Error(409, "Base.1.18.OperationNotAllowed", fault.Detail),
        TransportFaultKind.Rejected => Reply.Error(400, "Update.1.2.VerificationFailed", fault.Detail),
        _ => Replies.TryLater(_options.RetryAfter),
    };

    private static string? TextOf(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static async Task<(JsonObject? Body, Reply? Refusal)> ReadBodyAsync(HttpContext context)
    {
        var request = context.Request;
        if (request.ContentType?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) != true)
        {
            return (null, Replies.WrongMediaType());
        }

        var text = await Upload.ReadTextAsync(request.Body, context.RequestAborted).ConfigureAwait(false);
        return text is null ? (null, Replies.TooLarge())
            : Upload.ParseObject(text) is { } body ? (body, null)
            : (null, Replies.MalformedJson());
    }
}

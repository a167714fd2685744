using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace RomFlash.Sdk.Testing.Redfish.Service;

/// <summary>A session of a client.</summary>
internal sealed class ClientSession(string id, string token, RedfishAccount account, DateTimeOffset now)
{
    public string Id { get; } = id;

    public string Token { get; } = token;

    public RedfishAccount Account { get; } = account;

    public DateTimeOffset CreatedTime { get; } = now;

    public DateTimeOffset LastUsed { get; set; } = now;
}

/// <summary>Who is who: sessions, and HTTP basic authentication (DSP0266, 13.3).</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class SessionDesk(RedfishFaceOptions options, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private readonly List<ClientSession> _sessions = [];
    private int _last;

    public ClientSession[] Sessions
    {
        get
        {
            lock (_gate)
            {
                Expire();
                return [.. _sessions];
            }
        }
    }

    public ClientSession? LogIn(string userName, string password)
    {
        if (Find(userName, password) is not { } account)
        {
            return null;
        }

        lock (_gate)
        {
            var id = (++_last).ToString(CultureInfo.InvariantCulture);
            var session = new ClientSession(id, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)), account, clock.GetUtcNow());
            _sessions.Add(session);
            return session;
        }
    }

    public bool LogOut(string id)
    {
        lock (_gate)
        {
            return _sessions.RemoveAll(s => s.Id == id) > 0;
        }
    }

    public void EndAll()
    {
        lock (_gate)
        {
            _sessions.Clear();
        }
    }

    /// <summary>The account of a request; null when it has none. A token that is not valid is not made up for by anything else.</summary>
    public RedfishAccount? Identify(HttpRequest request, string? cookie)
    {
        var token = request.Headers["X-Auth-Token"].ToString();
        if (token.Length == 0 && cookie is not null)
        {
            token = request.Cookies[cookie] ?? string.Empty;
        }

        if (token.Length > 0)
        {
            lock (_gate)
            {
                Expire();
                if (_sessions.Find(s => s.Token == token) is not { } session)
                {
                    return null;
                }

                session.LastUsed = clock.GetUtcNow();
                return session.Account;
            }
        }

        var basic = request.Headers.Authorization.ToString();
        if (!basic.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var bytes = new byte[basic.Length];
        if (!Convert.TryFromBase64String(basic[6..].Trim(), bytes, out var length))
        {
            return null;
        }

        var pair = Encoding.UTF8.GetString(bytes, 0, length);
        var colon = pair.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? null : Find(pair[..colon], pair[(colon + 1)..]);
    }

    private RedfishAccount? Find(string userName, string password) =>
        options.Accounts.FirstOrDefault(a => a.UserName == userName && a.Password == password);

    private void Expire()
    {
        var now = clock.GetUtcNow();
        _sessions.RemoveAll(s => now - s.LastUsed > options.SessionTimeout);
    }
}

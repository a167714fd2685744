using System.Collections.Immutable;

namespace RomFlash.Sdk.Transports.Smb.Rpc;

/// <summary>An open key. Disposing closes it on the peer, as far as the pipe still works, and never throws.</summary>
/// <remarks>Thread-safe; operations wait for each other.</remarks>
internal sealed class RegistryKey : IAsyncDisposable
{
    /// <summary>The longest value that is taken, in bytes. What is looked for here is far shorter.</summary>
    public const int MaxValue = 64 << 10;

    /// <summary>How much the names and values of one listing may come to, in bytes.</summary>
    public const int MaxListing = 1 << 20;

    private const string TooLong = "a value is longer than any that is taken";
    private const int FirstValueRoom = 4 << 10;

    // 255 characters and a terminator are the most that a key's name has on Windows.
    private const int FirstNameRoom = 512;
    private const int MaxNameRoom = 2 * (RegistryStubs.MaxName + 1);

    private readonly RegistryClient _client;
    private readonly ContextHandle _handle;
    private readonly string _path;
    private int _isDisposed;

    internal RegistryKey(RegistryClient client, ContextHandle handle, string path)
    {
        _client = client;
        _handle = handle;
        _path = path;
    }

    /// <summary>Reads a value.</summary>
    /// <param name="name">Its name; empty for the key's own value.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The value; <see cref="TransportFaultKind.NotFound"/>, or <see cref="TransportFaultKind.Unsupported"/> for one that is longer than <see cref="MaxValue"/> (<see cref="IsTooLong"/>).</returns>
    public async ValueTask<TransportResult<RegistryValue>> ReadAsync(string name, CancellationToken cancellationToken)
    {
        if (!RegistryClient.IsName(name))
        {
            return RegistryClient.NoName();
        }

        for (var room = FirstValueRoom; ;)
        {
            var answered = await _client.CallAsync<ValueAnswer>(
                RegistryStubs.QueryValueOperation, RegistryStubs.QueryValue(_handle, name, (uint)room), RegistryStubs.ReadValue, cancellationToken).ConfigureAwait(false);
            if (!answered.TryGetValue(out var answer, out var fault))
            {
                return fault;
            }

            if (answer.Code is RpcFault.MoreData or RpcFault.InsufficientBuffer)
            {
                if (room == MaxValue || answer.Size > MaxValue)
                {
                    return new TransportFault(TransportFaultKind.Unsupported, FaultEffect.NotSent, TooLong);
                }

                room = Grow(room, answer.Size);
                continue;
            }

            return RpcFault.FromWin32(answer.Code, isChange: false, Named(name)) is { } refused ? refused
                : answer.Value!.Data.Length > room ? Violation("a value is longer than its room")
                : answer.Value;
        }
    }

    /// <summary>Whether a value was there, and too long to be read.</summary>
    public static bool IsTooLong(TransportFault fault) => fault is { Kind: TransportFaultKind.Unsupported, Detail: TooLong };

    /// <summary>Lists the keys right below this one.</summary>
    /// <param name="max">More keys than this are a <see cref="TransportFaultKind.ProtocolViolation"/>.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>Their names, in the peer's order. Untrusted text.</returns>
    public async ValueTask<TransportResult<ImmutableArray<string>>> ListKeysAsync(int max, CancellationToken cancellationToken)
    {
        var names = ImmutableArray.CreateBuilder<string>();
        var total = 0;
        for (var room = FirstNameRoom; ;)
        {
            var answered = await _client.CallAsync<NameAnswer>(
                RegistryStubs.EnumKeyOperation, RegistryStubs.EnumKey(_handle, (uint)names.Count, (ushort)room), RegistryStubs.ReadName, cancellationToken).ConfigureAwait(false);
            if (!answered.TryGetValue(out var answer, out var fault))
            {
                return fault;
            }

            switch (answer.Code)
            {
                case RpcFault.NoMoreItems:
                    return names.DrainToImmutable();
                case RpcFault.MoreData or RpcFault.InsufficientBuffer when room < MaxNameRoom:
                    room = Math.Min(2 * room, MaxNameRoom);
                    continue;
            }

            if (RpcFault.FromWin32(answer.Code, isChange: false, _path) is { } refused)
            {
                return refused;
            }

            total += 2 * answer.Name.Length;
            if (answer.Name.Length == 0 || names.Count == max || total > MaxListing)
            {
                return Violation(answer.Name.Length == 0 ? "a key has no name" : "more keys than any that are sensible");
            }

            names.Add(answer.Name);
        }
    }

    /// <summary>Lists the values of this key.</summary>
    /// <param name="max">More values than this, or more than <see cref="MaxListing"/> bytes of them, are a <see cref="TransportFaultKind.ProtocolViolation"/>.</param>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>The values, in the peer's order.</returns>
    public async ValueTask<TransportResult<ImmutableArray<RegistryNamedValue>>> ListValuesAsync(int max, CancellationToken cancellationToken)
    {
        var values = ImmutableArray.CreateBuilder<RegistryNamedValue>();
        var total = 0;
        var (nameRoom, room) = (FirstNameRoom, FirstValueRoom);
        while (true)
        {
            var answered = await _client.CallAsync<ValueAnswer>(
                RegistryStubs.EnumValueOperation, RegistryStubs.EnumValue(_handle, (uint)values.Count, (ushort)nameRoom, (uint)room), RegistryStubs.ReadNamedValue, cancellationToken).ConfigureAwait(false);
            if (!answered.TryGetValue(out var answer, out var fault))
            {
                return fault;
            }

            switch (answer.Code)
            {
                case RpcFault.NoMoreItems:
                    return values.DrainToImmutable();

                // It does not say which of the two was too short.
                case RpcFault.MoreData or RpcFault.InsufficientBuffer when answer.Size <= MaxValue && (nameRoom < MaxNameRoom || room < MaxValue):
                    nameRoom = Math.Min(2 * nameRoom, MaxNameRoom);
                    room = Grow(room, answer.Size);
                    continue;
            }

            if (RpcFault.FromWin32(answer.Code, isChange: false, _path) is { } refused)
            {
                return refused;
            }

            total += (2 * answer.Name.Length) + answer.Value!.Data.Length;
            if (values.Count == max || total > MaxListing)
            {
                return Violation("more values than any that are sensible");
            }

            values.Add(new(answer.Name, answer.Value));
        }
    }

    /// <summary>Asks what the key is like.</summary>
    /// <param name="cancellationToken">Cancelled by the caller or at the deadline.</param>
    /// <returns>How many keys and values it has, and when it was last changed.</returns>
    public async ValueTask<TransportResult<RegistryKeyInfo>> DescribeAsync(CancellationToken cancellationToken)
    {
        for (var room = FirstNameRoom; ; room = Math.Min(2 * room, MaxNameRoom))
        {
            var answered = await _client.CallAsync<KeyInfoAnswer>(
                RegistryStubs.QueryInfoKeyOperation, RegistryStubs.QueryInfoKey(_handle, (ushort)room), RegistryStubs.ReadKeyInfo, cancellationToken).ConfigureAwait(false);
            if (!answered.TryGetValue(out var answer, out var fault))
            {
                return fault;
            }

            if (answer.Code is RpcFault.MoreData or RpcFault.InsufficientBuffer && room < MaxNameRoom)
            {
                continue;
            }

            return RpcFault.FromWin32(answer.Code, isChange: false, _path) is { } refused ? refused : answer.Info;
        }
    }

    /// <summary>Closes the key. Done twice, it does nothing.</summary>
    /// <param name="cancellationToken">Ends the waiting for the answer; who is cancelled already does not wait long, because the peer has just answered.</param>
    /// <returns>Done when the peer has answered, or can't.</returns>
    public ValueTask CloseAsync(CancellationToken cancellationToken) => Interlocked.Exchange(ref _isDisposed, 1) == 0 ? _client.CloseAsync(_handle, cancellationToken) : default;

    /// <summary>Closes the key, for as long as the connection waits for an answer.</summary>
    public ValueTask DisposeAsync() => CloseAsync(CancellationToken.None);

    // More each time, so that it ends.
    private static int Grow(int room, uint wanted) => Math.Min(MaxValue, Math.Max(2 * room, (int)Math.Min(wanted, MaxValue)));

    private string Named(string name) => name.Length == 0 ? _path : $"{_path}, {name}";

    private static TransportFault Violation(string detail) => RpcFault.Violation(detail, FaultEffect.NotSent);
}

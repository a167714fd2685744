using System.Net;
using System.Text;
using RomFlash.Sdk.Testing.Simulation;
using RomFlash.Sdk.Transports;
using static RomFlash.Sdk.Testing.Redfish.Tests.FaceUnderTest;

namespace RomFlash.Sdk.Testing.Redfish.Tests;

/// <summary>What a face does to a client on purpose.</summary>
public sealed class FaultTests
{
    private static readonly Uri Systems = new("/redfish/v1/Systems", UriKind.Relative);

    [Fact]
    public async Task Refuse_TheNthRequest_IsMetByThatOneAlone()
    {
        await using var under = await StartAsync();
        under.Face.Interfere = r => r.Number == 2 ? RedfishFault.Refuse(503, TimeSpan.FromSeconds(7)) : null;

        using var first = await under.Client.GetAsync(Systems);
        using var second = await under.Client.GetAsync(Systems);
        using var third = await under.Client.GetAsync(Systems);

        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, second.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(7), second.Headers.RetryAfter!.Delta);
        Assert.Equal(HttpStatusCode.OK, third.StatusCode);
        Assert.Equal(3, under.Face.RequestCount);
    }

    [Fact]
    public async Task Redirect_AnswerAndContentType_AreWhatTheTestSays()
    {
        await using var under = await StartAsync();
        var faults = new Queue<RedfishFault>([RedfishFault.Redirect(new Uri("https://elsewhere.invalid/")), RedfishFault.Answer(200, "<html>", "text/html"), RedfishFault.As("text/plain")]);
        under.Face.Interfere = _ => faults.Dequeue();

        using var redirect = await under.Client.GetAsync(Systems);
        using var answer = await under.Client.GetAsync(Systems);
        using var other = await under.Client.GetAsync(Systems);

        Assert.Equal(HttpStatusCode.TemporaryRedirect, redirect.StatusCode);
        Assert.Equal("https://elsewhere.invalid/", redirect.Headers.Location!.ToString());
        Assert.Equal("<html>", await answer.Content.ReadAsStringAsync());
        Assert.Equal("text/plain", other.Content.Headers.ContentType!.MediaType);
        Assert.Contains("Members", await other.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    public async Task CloseOrLoseAnswer_OfAReset_TellsTheClientNothingOfItsEffect(bool takesEffect, int boots)
    {
        await using var under = await StartAsync();
        under.Face.Interfere = r => r.Method != "POST" ? null : takesEffect ? RedfishFault.LoseAnswer : RedfishFault.Close;

        await Assert.ThrowsAsync<HttpRequestException>(() => under.PostAsync("/redfish/v1/Systems/1/Actions/ComputerSystem.Reset", """{"ResetType":"ForceRestart"}"""));

        Assert.Equal(boots, under.Target.BootCount);
    }

    [Fact]
    public async Task HalfAnswer_OfARead_CantBeReadToItsEnd()
    {
        await using var under = await StartAsync();
        under.Face.Interfere = _ => RedfishFault.HalfAnswer;

        await Assert.ThrowsAsync<HttpRequestException>(() => under.Client.GetAsync(Systems));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(60_000)]
    public async Task CloseAfter_SomeOfAnUpload_LeavesNothing(long bytes)
    {
        await using var under = await StartAsync();
        under.Face.Interfere = r => r.Method == "POST" ? RedfishFault.CloseAfter(bytes) : null;

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => under.PushAsync(NewSystemRom.Content, "OnReset"));

        Assert.Empty(under.Target.Deposits);
        Assert.Equal(ArmedPhase.None, under.Target.ArmedPhase);
        Assert.DoesNotContain(under.Target.History, e => e.Kind == SimulatedEventKind.DepositOpened);
    }

    [Fact]
    public async Task Hang_EndsWithTheClientOrTheFace()
    {
        await using var under = await StartAsync();
        var reached = new TaskCompletionSource();
        under.Face.Interfere = _ =>
        {
            reached.TrySetResult();
            return RedfishFault.Hang;
        };
        using var patience = new CancellationTokenSource();
        var waiting = under.Client.GetAsync(Systems, patience.Token);
        await reached.Task;
        Assert.False(waiting.IsCompleted);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

        var abandoned = under.Client.GetAsync(Systems);
        await under.Face.DisposeAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => abandoned);
    }

    [Fact]
    public async Task EndlessBody_GoesOnForAsLongAsSomebodyReads()
    {
        await using var under = await StartAsync();
        under.Face.Interfere = _ => RedfishFault.EndlessBody;
        using var response = await under.Client.GetAsync(Systems, HttpCompletionOption.ResponseHeadersRead);
        var stream = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[1 << 16];

        for (var i = 0; i < 64; i++)
        {
            await stream.ReadExactlyAsync(buffer);
        }

        Assert.Equal((byte)'x', buffer[^1]);
    }

    [Fact]
    public async Task Slow_TellsTimeByTheTargetsClock()
    {
        await using var under = await StartAsync();
        under.Face.Interfere = _ => RedfishFault.Slow(TimeSpan.FromHours(1));
        var waiting = under.Client.GetAsync(Systems);
        while (under.Clock.TimerCount == 0)
        {
            await Task.Yield();
        }

        Assert.False(waiting.IsCompleted);
        under.Clock.Advance(TimeSpan.FromHours(1));
        using var response = await waiting;

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task SwapCertificate_NewConnectionsSeeAnother()
    {
        await using var under = await StartAsync();
        var before = under.Face.Fingerprint;

        var after = under.Face.SwapCertificate();

        Assert.NotEqual(before, after);
        Assert.Equal(after, under.Face.Fingerprint);
        using var response = await under.Client.GetAsync(Systems);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task CutConnections_TheNextRequestConnectsAgain()
    {
        await using var under = await StartAsync();
        using var before = await under.Client.GetAsync(Systems);
        under.Face.CutConnections();

        using var after = await under.Client.GetAsync(Systems);

        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }

    [Theory]
    [InlineData(SimulatedOperation.OpenDeposit)]
    [InlineData(SimulatedOperation.Write)]
    [InlineData(SimulatedOperation.Commit)]
    public async Task Push_WhenTheTargetFails_IsToBeTriedLaterAndLeavesNothing(SimulatedOperation operation)
    {
        await using var under = await StartAsync();
        under.Target.Inject(operation, SimulatedFault.DisconnectBefore);

        using var pushed = await under.PushAsync(NewSystemRom.Content, "OnReset");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, pushed.StatusCode);
        Assert.Empty(under.Target.Deposits);
        Assert.Equal(ArmedPhase.None, under.Target.ArmedPhase);
    }

    [Fact]
    public async Task Push_WhenTheTargetRefusesToArm_EndsInAnException()
    {
        await using var under = await StartAsync();
        under.Target.PlantForeignCapsule("somebody-else.cap", Encoding.ASCII.GetBytes("x"));

        using var pushed = await under.PushAsync(NewSystemRom.Content, "OnReset");

        Assert.Equal("Exception", (string)(await UpdateTests.TaskAsync(pushed))["TaskState"]!);
        Assert.Empty(under.Target.Deposits);
    }
}

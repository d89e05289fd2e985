package devdb
import ("testing";"time";"log/slog";"os")
func TestManual(t *testing.T){
 for i:=0;i<2;i++{ t0:=time.Now(); s:=start(t,Options{DataDir:"/root/x-devdb/.data",Durable:true,Log:slog.New(slog.NewTextHandler(os.Stderr,nil))}); t.Log(time.Since(t0), s.OwnerURL(Database)); stop(t,s)}
}
